/** What a dev server on the runner shows, beside the conversation (brief 2, 8 row 33). */
import { ChevronDown, ExternalLink, RotateCw, X } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { width } from "../../../lib/media";
import { go, path as address } from "../../../lib/router";
import { runner as runnerOf } from "../../../state/runners";
import { session as rowOf } from "../../../state/sessions";
import type { OpenSession } from "../../../state/types";
import { Button, Empty, ErrorState, errorWords, IconButton, MenuButton, type MenuItem, Skeleton, TextInput } from "../../../ui";
import { type Door, door, expose, type Port, ports, probe, unexpose } from "./tunnel";
import "./preview.css";

/** Milliseconds between two looks at a port where nothing answers yet. */
const AGAIN = 3000;
/** Ports that dev servers like to use; offered while none is open. */
const USUAL = [5173, 3000, 8000, 8080] as const;

/** The view; `params.rest` is "port/path". */
export default function PreviewView({ session, params }: { session: OpenSession; params: Record<string, string> }) {
  const row = rowOf(session.id).value;
  const runner = runnerOf(row?.runnerId);
  if (!row) return <div class="prev-alone"><Skeleton rows={3} /></div>;
  if (!runner?.connected) {
    return <div class="prev-alone"><Empty title={`${runner?.name ?? row.runnerName ?? "The runner"} is not connected.`} text="The preview shows up here when it is back." /></div>;
  }
  if (session.phase.value === "ended") {
    return <div class="prev-alone"><Empty title="This session has ended." text="Resume it to look at what its folder serves." /></div>;
  }
  return <Preview session={session} runnerId={runner.id} rest={params.rest ?? ""} />;
}

function Preview({ session, runnerId, rest }: { session: OpenSession; runnerId: string; rest: string }) {
  const [picked, pick] = useState(rest);
  useEffect(() => {
    if (rest) pick(rest);
  }, [rest]);
  const [known, setKnown] = useState<readonly Port[]>([]);
  const live = session.phase.value === "live";
  const list = (): void => void ports(session).then(setKnown, () => undefined);
  useEffect(() => {
    if (!live) return undefined;
    list();
    return session.onService((serviceId, type) => {
      if (serviceId === "tunnel" && (type === "tunnel_registered" || type === "tunnel_removed")) list();
    });
  }, [session, live]);
  const port = Number(/^\d{1,5}/.exec(picked)?.[0] ?? 0);
  const inside = picked.replace(/^\d+\/?/, "");
  const show = (to: number | null, path = ""): void => {
    const written = to === null ? "" : `${to}${path ? `/${path.replace(/^\//, "")}` : ""}`;
    pick(written);
    const base = `/session/${encodeURIComponent(session.id)}/preview`;
    if (address.peek().startsWith(base)) go(`${base}${written ? `/${written}` : ""}${location.search}`, "replace");
  };
  if (!port || port > 65535) return <Choose known={known} onChoose={(to) => show(to)} />;
  return (
    <Frame
      key={port}
      session={session}
      runnerId={runnerId}
      port={port}
      path={inside}
      known={known}
      live={live}
      onShow={show}
      onClosed={() => {
        void unexpose(session, port).then(list, () => undefined);
        show(null);
      }}
    />
  );
}

function Choose({ known, onChoose }: { known: readonly Port[]; onChoose: (port: number) => void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const open = (): void => {
    const port = Number(text);
    if (Number.isInteger(port) && port > 0 && port < 65536) onChoose(port);
    else setError("A port is a number from 1 to 65535.");
  };
  return (
    <div class="prev-alone">
      <div class="empty">
        <b>See what runs on the runner</b>
        <p>Start a dev server in the terminal, or ask the agent to, and open its port here.</p>
        <form class="prev-form" onSubmit={(event) => { event.preventDefault(); open(); }}>
          <TextInput small mono value={text} inputMode="numeric" aria-label="Port" placeholder="5173" maxLength={5} onChange={(words) => { setText(words); setError(""); }} />
          <Button small kind="primary" type="submit">Open port</Button>
        </form>
        {error && <p class="field-error" role="alert">{error}</p>}
        <ul class="prev-ports" aria-label="Ports">
          {(known.length > 0 ? known : USUAL.map((port) => ({ port, name: "", pinned: false }))).map((entry) => (
            <li key={entry.port}><Button small kind="soft" onClick={() => onChoose(entry.port)}><span class="m">{entry.port}</span>{entry.name && ` ${entry.name}`}</Button></li>
          ))}
        </ul>
      </div>
    </div>
  );
}

interface FrameProps {
  session: OpenSession;
  runnerId: string;
  port: number;
  path: string;
  known: readonly Port[];
  live: boolean;
  onShow: (port: number | null, path?: string) => void;
  onClosed: () => void;
}

type State = { step: "asking" } | { step: "nothing" } | { step: "shown"; door: Door } | { step: "failed"; error: unknown };

function Frame({ session, runnerId, port, path, known, live, onShow, onClosed }: FrameProps) {
  const [state, setState] = useState<State>({ step: "asking" });
  const [turn, setTurn] = useState(0);
  const [typed, setTyped] = useState<string | null>(null);
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    if (!live) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        await expose(session, port);
        const answer = await probe(runnerId, port, stop.signal);
        if (stop.signal.aborted) return;
        if (answer.state === "there") {
          const found = await door(runnerId, port);
          if (!stop.signal.aborted) setState({ step: "shown", door: found });
          return;
        }
        if (answer.state === "refused") setState({ step: "failed", error: answer.words });
        else {
          setState({ step: "nothing" });
          timer = setTimeout(() => void look(), AGAIN);
        }
      } catch (error) {
        if (!stop.signal.aborted) setState({ step: "failed", error: errorWords(error) });
      }
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [session, runnerId, port, live, turn]);
  const src = state.step === "shown" ? state.door.base + path : "";
  const items: (MenuItem | null)[] = [
    ...known.map((entry): MenuItem => ({ words: `${entry.port}${entry.name ? ` ${entry.name}` : ""}`, on: entry.port === port, run: () => onShow(entry.port) })),
    null,
    { words: "Another port…", run: () => onShow(null) },
    { words: `Close port ${port}`, icon: X, run: onClosed },
  ];
  const again = (): void => {
    setState({ step: "asking" });
    setTurn(turn + 1);
  };
  return (
    <section class="prev" aria-label="Preview">
      <header class="prev-bar">
        <MenuButton small label={`Port ${port}`} items={items} after={ChevronDown}><span class="m">{port}</span></MenuButton>
        <form
          class="grow"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== null) onShow(port, typed);
            setTyped(null);
          }}
        >
          <TextInput small mono class="prev-path" aria-label="Path" value={typed ?? `/${path}`} onChange={setTyped} onBlur={() => setTyped(null)} spellcheck={false} />
        </form>
        <IconButton small label="Reload" icon={RotateCw} onClick={again} />
        {state.step === "shown" && (
          <a class="btn btn-quiet btn-xs" href={src} target="_blank" rel="noreferrer">
            {width.value === "phone" ? "Open" : "Open in a tab"}<ExternalLink size={12} strokeWidth={1.75} aria-hidden="true" />
          </a>
        )}
      </header>
      {state.step === "shown" ? (
        <iframe
          key={`${src} ${turn}`}
          ref={frame}
          class="prev-frame"
          src={src}
          title={`Preview of port ${port}. Control and J leads back to the conversation.`}
          sandbox="allow-scripts allow-forms allow-same-origin allow-popups allow-modals allow-downloads"
          allow="clipboard-write"
        />
      ) : state.step === "nothing" ? (
        <div class="prev-alone"><Empty title={`Nothing answers on port ${port} yet.`} text="It shows up here as soon as something does." action={<Button small onClick={again}>Try again</Button>} /></div>
      ) : state.step === "failed" ? (
        <div class="prev-alone"><ErrorState error={state.error} title={`Port ${port} can't be reached.`} retry={again} /></div>
      ) : (
        <div class="prev-alone" role="status"><Skeleton rows={3} /></div>
      )}
    </section>
  );
}
