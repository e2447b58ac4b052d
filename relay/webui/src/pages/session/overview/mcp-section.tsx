/** The servers of the Model Context Protocol that this session's agent uses: state, tools, sign-in, on and off. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { McpAuth, OpenSession } from "../../../state/types";
import { type Json, num, obj, objects, str, strings } from "../../../transcript/wire";
import { Button, Mark, Switch, TextInput, errorWords, toast } from "../../../ui";
import { Section } from "./section";

/** One server as the list shows it. */
export interface Server {
  readonly name: string;
  readonly tools: number;
  readonly on: boolean;
  readonly error: string;
}

/** Read the answer to `mcp`. */
export function readServers(said: Json): readonly Server[] {
  const config = obj(said.config);
  const off = new Set(strings(config.disabledServers));
  const tools = obj(said.serverTools);
  const errors = new Map(objects(said.errors).map((entry) => [str(entry.server), str(entry.error)]));
  const names = new Set([...objects(config.effectiveServers).map((entry) => str(entry.name)), ...off, ...errors.keys()]);
  names.delete("");
  return [...names].sort().map((name) => ({
    name,
    tools: strings(tools[name]).length || (num(tools[name]) ?? 0),
    on: !off.has(name),
    error: errors.get(name) ?? "",
  }));
}

/** Draw the servers; nothing when the agent has none. */
export function McpSection({ session }: { session: OpenSession }): JSX.Element | null {
  const meta = session.meta.value;
  const live = session.phase.value === "live";
  const [servers, setServers] = useState<readonly Server[]>([]);
  const [busy, setBusy] = useState("");
  const run = (what: string, command: string, fields: object): void => {
    setBusy(what);
    session
      .exec(command, fields, 20_000)
      .then((said) => setServers(readServers(said)))
      .catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }))
      .finally(() => setBusy(""));
  };
  useEffect(() => {
    if (!live) return undefined;
    let over = false;
    session
      .exec("mcp", { action: "status" })
      .then((said) => !over && setServers(readServers(said)))
      .catch(() => undefined);
    return () => {
      over = true;
    };
  }, [session, live, meta.mcp]);
  if (servers.length === 0 && meta.mcpAuth.length === 0) return null;
  const failed = servers.filter((server) => server.error !== "").length;
  return (
    <Section title="MCP servers" end={failed > 0 ? `${failed} failed` : ""}>
      {meta.mcpAuth.map((auth) => <SignIn key={auth.server} session={session} auth={auth} />)}
      <ul>
        {servers.map((server) => (
          <li key={server.name} class="ovw-server">
            <div class="ovw-row">
              <Mark state={server.error ? "failed" : server.on ? "connected" : "ended"} word={server.error ? "Failed" : server.on ? "On" : "Off"} />
              <span class="grow cut">{server.name}</span>
              {server.on && server.tools > 0 && <span class="meta num">{`${server.tools} tools`}</span>}
              <Switch on={server.on} label={`Use ${server.name}`} disabled={!live || busy !== ""} onChange={(on) => run(server.name, "mcp_toggle_server", { serverName: server.name, disabled: !on })} />
            </div>
            {server.error !== "" && <p class="ovw-error">{server.error}</p>}
          </li>
        ))}
      </ul>
      {servers.length > 0 && <Button small kind="soft" class="ovw-button" busy={busy === "*"} disabled={!live} onClick={() => run("*", "mcp", { action: "reload" })}>Start them again</Button>}
    </Section>
  );
}

/** A server wants a person to sign in: its page, and where what it shows is to be pasted. */
function SignIn({ session, auth }: { session: OpenSession; auth: McpAuth }): JSX.Element {
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const nonce = auth.nonce;
  const paste = (): void => {
    if (nonce === null || code.trim() === "") return;
    setBusy(true);
    session
      .pasteMcpCode(nonce, code.trim())
      .catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }))
      .finally(() => setBusy(false));
  };
  return (
    <div class="ovw-signin">
      <p>{`${auth.server} wants you to sign in.`}</p>
      <a class="btn btn-plain btn-s" href={auth.url} target="_blank" rel="noopener noreferrer">Open its page</a>
      {nonce !== null && (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            paste();
          }}
        >
          <TextInput small mono value={code} onChange={setCode} placeholder="Paste what it shows" aria-label="What the page shows" />
          <Button small type="submit" busy={busy} disabled={code.trim() === ""}>Sign in</Button>
        </form>
      )}
    </div>
  );
}
