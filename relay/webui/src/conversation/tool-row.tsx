/** A tool call: one line, and below it what it printed, changed or asked. */

import type { JSX } from "preact";
import { answeredElsewhere } from "../cards/elsewhere";
import { Link } from "../lib/router";
import { duration, elapsed, now } from "../lib/format";
import type { ToolBlock } from "../transcript";
import { Button, errorWords, Mark, type MarkState, toast } from "../ui";
import { DiffBlock } from "./diff-block";
import { type LogState, moreArgs, type Showing } from "./log-state";
import { FailedOutput, LiveOutput, plain, WholeOutput } from "./output";
import { Line, PathWords } from "./parts";
import { Pictures } from "./picture";
import { lastPart, type Run, runWords } from "./rows";

const PATHS: ReadonlySet<ToolBlock["sort"]> = new Set(["read", "edit", "write"]);

/** The mark of a call. */
export function toolMark(tool: ToolBlock): MarkState {
  if (tool.state === "running" || tool.state === "queued") return "working";
  return tool.state === "failed" ? "failed" : "tool";
}

function opens(tool: ToolBlock): boolean {
  return tool.output !== "" || tool.diff !== undefined || tool.plan !== undefined || tool.question !== undefined || moreArgs(tool).length > 0;
}

/** Draw a call. `key` of its row names what opens. */
export function ToolRow({ tool, showing, state }: { tool: ToolBlock; showing: Showing; state: LogState }): JSX.Element {
  const running = tool.state === "running" || tool.state === "queued";
  const toggle = (clicked: Element): void => state.set(tool.key, showing !== "all", clicked);
  return (
    <>
      <Line
        open={showing !== "line"}
        onToggle={opens(tool) ? (showing === "live" && tool.state === "failed" ? (clicked) => state.set(tool.key, false, clicked) : toggle) : undefined}
        sum={<Sum tool={tool} running={running} />}
        more={<More tool={tool} state={state} />}
      >
        <span class={tool.mono ? "log-verb m" : "log-verb"}>{running ? tool.doing : tool.verb}</span>
        <ToolObject tool={tool} state={state} />
      </Line>
      {showing !== "line" && <Body tool={tool} showing={showing} state={state} />}
      {tool.images.length > 0 && <Pictures images={tool.images} state={state} words={`${tool.verb} ${lastPart(tool.object)}`} />}
    </>
  );
}

function ToolObject({ tool, state }: { tool: ToolBlock; state: LogState }): JSX.Element | null {
  if (tool.object === "") return null;
  if (PATHS.has(tool.sort)) return <PathWords path={state.relative(tool.object)} />;
  if (tool.sort === "ask" || tool.sort === "plan" || tool.sort === "session" || tool.sort === "todo") return <span class="log-object log-words cut">{tool.object}</span>;
  const line = tool.object.split("\n", 1)[0] ?? "";
  return <span class="log-object cut">{tool.sort === "search" ? `“${line}”` : line}</span>;
}

function Sum({ tool, running }: { tool: ToolBlock; running: boolean }): JSX.Element | null {
  if (running) return tool.startedAt === undefined ? null : <span>{elapsed(Math.max(0, now.value - tool.startedAt))}</span>;
  const { diff, seconds } = tool;
  const words = tool.sort === "shell" && tool.result === "" ? gist(tool.output) : tool.result;
  return (
    <>
      {tool.state === "failed" && <span class="log-failed">Failed<span class="log-wide">{tool.result.replace(/^Failed/, "")}</span></span>}
      {tool.state === "lost" && <span>No result</span>}
      {diff && (diff.added > 0 || diff.removed === 0) && <span class="ad">{`+${diff.added}`}</span>}
      {diff && diff.removed > 0 && <span class="de">{`−${diff.removed}`}</span>}
      {tool.state === "done" && !diff && words !== "" && <span>{words}</span>}
      {tool.sort === "ask" && tool.state === "done" && <span>{answeredElsewhere(tool.callId) ? "Answered on another device" : "Answered"}</span>}
      {seconds !== undefined && seconds >= 0.1 && tool.sort !== "read" && tool.sort !== "ask" && tool.sort !== "plan" && !diff && <span class="log-wide">{duration(seconds * 1000)}</span>}
    </>
  );
}

/** What a run of tests says about itself in its last lines. */
function gist(output: string): string {
  const found = /\b(\d+ passed)\b(?![\s\S]*\d+ passed)/.exec(output.slice(-600));
  return found?.[1] ?? "";
}

function More({ tool, state }: { tool: ToolBlock; state: LogState }): JSX.Element | null {
  if (tool.sort === "shell" && tool.state === "running") {
    return <Button tiny kind="soft" class="log-stop" onClick={() => void stop(state)}>Stop</Button>;
  }
  if (tool.childId) return <Link class="log-open link" href={`/session/${encodeURIComponent(tool.childId)}`}>Open</Link>;
  return null;
}

async function stop(state: LogState): Promise<void> {
  try {
    await state.session.stop();
  } catch (error) {
    toast({ words: errorWords(error), kind: "error" });
  }
}

function Body({ tool, showing, state }: { tool: ToolBlock; showing: Showing; state: LogState }): JSX.Element | null {
  if (tool.diff && tool.state !== "failed") {
    const all = `${tool.key} all`;
    return <DiffBlock diff={tool.diff} all={state.isOpen(all)} onAll={(clicked) => state.set(all, true, clicked)} />;
  }
  if (tool.question) return <Asked tool={tool} />;
  if (tool.plan) return <Plan tool={tool} />;
  if (showing === "live") {
    return tool.state === "failed" ? (
      <FailedOutput output={tool.output} onAll={(clicked) => state.set(tool.key, true, clicked)} />
    ) : (
      <LiveOutput output={tool.output} />
    );
  }
  const args = moreArgs(tool);
  return (
    <>
      {args.length > 0 && (
        <dl class="log-args">
          {args.map(([name, value]) => (
            <div key={name}><dt>{name}</dt><dd tabIndex={0} class="m">{value}</dd></div>
          ))}
        </dl>
      )}
      {plain(tool.output) !== "" && <WholeOutput output={tool.output} failed={tool.state === "failed"} />}
    </>
  );
}

function Asked({ tool }: { tool: ToolBlock }): JSX.Element {
  const asks = tool.question?.asks ?? [];
  return (
    <div class="log-asked">
      {asks.length > 1 && asks.map((ask) => <p key={ask.question}>{ask.question}</p>)}
      {tool.output !== "" && <p class="log-answer">{tool.output}</p>}
    </div>
  );
}

function Plan({ tool }: { tool: ToolBlock }): JSX.Element {
  return (
    <div class="log-asked">
      <ol class="log-steps">
        {tool.plan?.steps.map((step, at) => <li key={at}><Mark state="next" /><span><b>{step.title}</b> <span class="t3">{step.description}</span></span></li>)}
      </ol>
      {tool.output !== "" && <p class="log-answer">{tool.output}</p>}
    </div>
  );
}

/** Draw a run of reads and searches; opened, each call has its own line. */
export function RunRow({ run, open, state }: { run: Run; open: boolean; state: LogState }): JSX.Element {
  const { verb, object, sum } = runWords(run.tools);
  return (
    <>
      <Line open={open} onToggle={(clicked) => state.set(run.key, !open, clicked)} sum={sum && <span>{sum}</span>}>
        <span class="log-verb">{verb}</span>
        {object && <span class="log-object cut">{object}</span>}
      </Line>
      {open && (
        <ul class="log-run">
          {run.tools.map((tool) => {
            const inner = `${tool.key} in`;
            const shows = state.isOpen(inner);
            return (
              <li key={tool.key}>
                <Line
                  open={shows}
                  onToggle={tool.output === "" ? undefined : (clicked) => state.set(inner, !shows, clicked)}
                  sum={tool.result && <span>{tool.result}</span>}
                >
                  <span class="log-verb">{tool.verb}</span>
                  <ToolObject tool={tool} state={state} />
                </Line>
                {shows && <WholeOutput output={tool.output} failed={false} />}
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}
