/** `/connect`: the exact commands that connect a runner; the page moves on by itself when it is here (brief 3, first run). */
import "./auth.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { ChevronLeft } from "lucide-preact";
import { announce } from "../../lib/live";
import { width } from "../../lib/media";
import { back } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { account } from "../../state/account";
import { connectedRunners, runners, runnersLoaded, type Runner } from "../../state/runners";
import { Button, CopyButton, ErrorState, IconButton, Mark, Segments, TextInput } from "../../ui";
import { isLoopback, reach, socketAddress, type Reach } from "./addresses";
import { freshKey, spendKey, type FreshKey } from "./fresh-key";
import { Qr } from "./qr";

const INSTALL = "npm install -g @pizzapi/pizza";

/** The runner that came while the page was open, or the one that was there before. */
function useArrival(): Runner | null {
  const known = useRef<Set<string> | null>(null);
  const [arrived, set] = useState<Runner | null>(null);
  const connected = connectedRunners.value;
  useEffect(() => {
    if (!runnersLoaded.value) return;
    known.current ??= new Set(connected.map((runner) => runner.id));
    const fresh = connected.find((runner) => !known.current?.has(runner.id));
    if (fresh && !arrived) {
      set(fresh);
      spendKey();
      announce(`${fresh.name} is connected`);
    }
  }, [connected, runnersLoaded.value]);
  return arrived && (connected.find((runner) => runner.id === arrived.id) ?? arrived);
}

/** Whether there was no runner when the page opened, which is what a new relay is like until the list has come. */
function useFirst(): boolean {
  const [first, set] = useState<boolean | null>(null);
  const known = runnersLoaded.value;
  useEffect(() => {
    if (known) set((before) => before ?? runners.peek().length === 0);
  }, [known]);
  return first ?? true;
}

/** Show how to connect a runner. */
export default function Connect(): JSX.Element {
  const wasFirst = useFirst();
  const arrived = useArrival();
  useTitle(wasFirst ? "Connect your first runner" : "Connect a runner");
  const [key, setKey] = useState<FreshKey | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [where, setWhere] = useState<Reach>({ addresses: [location.origin], onlyHere: false });
  const [chosen, choose] = useState("");
  const [other, setOther] = useState("");
  const make = (): void => {
    setError(null);
    freshKey().then(setKey, setError);
  };
  useEffect(() => {
    make();
    void reach().then((found) => {
      setWhere(found);
      choose((now) => now || (found.addresses[0] ?? location.origin));
    });
  }, []);
  const address = chosen === "other" ? other : chosen || location.origin;
  const relay = socketAddress(address) ?? socketAddress(location.origin) ?? "";
  const phone = width.value === "phone";
  return (
    <>
      <header class="bar">
        {phone && !wasFirst && <IconButton label="Back" icon={ChevronLeft} onClick={() => back("/runners")} />}
        <h1>{wasFirst && !phone ? "Welcome to Relay" : wasFirst ? "Relay" : "Connect a runner"}</h1>
        <span class="grow" />
        {phone && wasFirst && <Button small kind="quiet" href="/">Not now</Button>}
        {!phone && <span class="meta cut">Signed in as {account.value.user?.email}</span>}
      </header>
      <div class="scroll">
        <div class="welcome">
          <div class="welcome-head">
            <h2>{wasFirst ? "Connect your first runner" : "Connect another runner"}</h2>
            <p>A runner is the program that runs agents on the machine that has your code. It dials out to this page’s address, so that machine needs no open port.</p>
          </div>
          <ol class="steps">
            <li class="step">
              <Mark state="you" />
              <h3>Install it there</h3>
              <Command text={INSTALL} kind="soft" />
              <details class="ways">
                <summary>Other ways to install</summary>
                <p class="meta">Without installing, put <code>npx @pizzapi/pizza</code> in the place of <code>pizza</code> below. With Bun: <code>bun install -g @pizzapi/pizza</code>. It needs Node 20 or later, or Bun.</p>
              </details>
            </li>
            <li class="step">
              <Mark state="you" />
              <h3>Start it</h3>
              {error ? <ErrorState error={error} title="No key could be made." retry={make} /> : <Start relay={relay} apiKey={key?.key ?? null} />}
              <p class="meta step-note">Copies the whole line with a key made just now. You can revoke it under Settings, API keys.</p>
              <Address where={where} chosen={chosen} choose={choose} other={other} setOther={setOther} />
            </li>
            <Arrival arrived={arrived} first={wasFirst} />
          </ol>
          {!phone && <Phone address={address.startsWith("http") ? address : location.origin} />}
          <Help relay={relay} />
        </div>
      </div>
    </>
  );
}

function Command({ text, kind, children }: { text: string; kind: "soft" | "primary"; children?: JSX.Element }): JSX.Element {
  return (
    <div class="cmd">
      <pre>{children ?? text}</pre>
      <CopyButton value={text} kind={kind} />
    </div>
  );
}

/** The command in the three lines that people read; what is copied has the whole key. */
function Start({ relay, apiKey }: { relay: string; apiKey: string | null }): JSX.Element {
  const shown = apiKey ? `${apiKey.slice(0, 12)}…${apiKey.slice(-4)}` : "…";
  const command = `PIZZAPI_RELAY_URL=${relay} PIZZAPI_API_KEY=${apiKey ?? ""} pizza runner`;
  return (
    <div class="cmd" data-command={apiKey ? command : undefined}>
      <pre>
        PIZZAPI_RELAY_URL=<span class="cmd-value">{relay}</span>{" \\\n"}
        PIZZAPI_API_KEY=<span class="cmd-value">{shown}</span>{" \\\n"}
        pizza runner
      </pre>
      {apiKey && <CopyButton value={command} kind="primary" />}
    </div>
  );
}

function Address({ where, chosen, choose, other, setOther }: {
  where: Reach;
  chosen: string;
  choose: (value: string) => void;
  other: string;
  setOther: (text: string) => void;
}): JSX.Element {
  const options = [...where.addresses.slice(0, 3).map((address) => ({ value: address, words: <span class="m">{new URL(address).host}</span> })), { value: "other", words: "Other…" }];
  const bad = chosen === "other" && other.trim() !== "" && socketAddress(other) === null;
  const here = chosen !== "other" && isLoopback(chosen || location.origin);
  return (
    <>
      <div class="step-address">
        <span class="meta">Address to use</span>
        <Segments label="Address to use" options={options} value={chosen || (where.addresses[0] ?? "")} onChange={choose} />
      </div>
      {chosen === "other" && (
        <>
          <TextInput mono small class="step-other" aria-label="Address that the other machine can open" placeholder="https://relay.example.org" value={other} onChange={setOther} autofocus />
          {bad && <p class="field-error" role="alert">This is no address. Write it like https://relay.example.org or 192.168.1.20:7492.</p>}
        </>
      )}
      {here && (
        <p class="meta step-note">
          {where.onlyHere ? <>This address works on this machine alone, and so does the relay: start it with <code>relay serve --lan</code> to let other machines in.</> : "This address works on this machine alone."}
        </p>
      )}
    </>
  );
}

function Arrival({ arrived, first }: { arrived: Runner | null; first: boolean }): JSX.Element {
  if (!arrived) {
    return (
      <li class="step step-last">
        <Mark state="working" />
        <h3 class="acc">Listening for it</h3>
        <p class="t2">This page moves on by itself when the runner is here.</p>
      </li>
    );
  }
  return (
    <li class="step step-last">
      <Mark state="connected" />
      <h3 class="acc">{arrived.name} is connected</h3>
      <p class="step-go">
        <Focused href={`/new?runner=${encodeURIComponent(arrived.id)}`}>{first ? "Start your first session" : "Start a session there"}</Focused>
      </p>
    </li>
  );
}

/** A primary link that takes the focus when it appears. */
function Focused({ href, children }: { href: string; children: string }): JSX.Element {
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>("a")?.focus(), []);
  return <span ref={box}><Button kind="primary" href={href}>{children}</Button></span>;
}

function Phone({ address }: { address: string }): JSX.Element {
  return (
    <aside class="qr" aria-label="Open Relay on your phone">
      <Qr text={address} label={`QR code of ${address}`} />
      <div>
        <b>Open Relay on your phone</b>
        <p class="meta">{isLoopback(address) ? "Choose an address that your phone can open, then scan this." : "Scan this on the same network, then add the page to your home screen to get notifications."}</p>
      </div>
    </aside>
  );
}

function Help({ relay }: { relay: string }): JSX.Element {
  const health = `${relay.replace(/^ws/, "http")}/health`;
  return (
    <section class="help">
      <h3>Nothing happens?</h3>
      <ul>
        <li><Mark state="tool" /><span>Can that machine open <code>{health}</code>?</span></li>
        <li><Mark state="tool" /><span>Behind a proxy, use the address you see in this browser.</span></li>
        <li><Mark state="tool" /><span>Run <code>relay doctor</code> here for a check of this server.</span></li>
      </ul>
    </section>
  );
}
