/** API keys: make one, see it once, revoke it (brief, settings). */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { KeyRound, Plus } from "lucide-preact";
import { get, post } from "../../api/rest";
import { clock, now } from "../../lib/format";
import { go } from "../../lib/router";
import { Button, confirm, CopyButton, Dialog, Empty, errorWords, ErrorState, Field, Select, Skeleton, Table, TextInput, toast, type Column } from "../../ui";
import { setCount } from "./counts";
import { PartHead } from "./part";
import { tokenOf } from "./token";
import { useLoad } from "./use-load";

type Scope = "full" | "runner" | "read" | "webhooks";

interface Key {
  id: string;
  name: string | null;
  start: string | null;
  scope?: Scope;
  lastRequest: string | null;
  createdAt: string;
  expiresAt: string | null;
}

/** What a key may do, in words. */
const USED_FOR: Readonly<Record<Scope, string>> = {
  full: "Everything",
  runner: "Runner",
  read: "Reading only",
  webhooks: "Webhooks only",
};
/** Last use is written down about once a minute; within that a key counts as in use. */
const NOW_MS = 90_000;

async function loadKeys(): Promise<readonly Key[]> {
  const keys = await get<readonly Key[]>("/api/auth/api-key/list");
  setCount("keys", String(keys.length));
  return [...keys].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

/** The part "API keys". */
export function Keys(): JSX.Element {
  const { value, error, again } = useLoad(loadKeys);
  const [making, setMaking] = useState(false);
  const [fresh, setFresh] = useState<{ name: string; key: string } | null>(null);
  const revoke = async (key: Key): Promise<void> => {
    const yes = await confirm({ title: "Revoke this key?", text: "What uses it stops working at once.", action: "Revoke", danger: true });
    if (!yes) return;
    try {
      await post("/api/auth/api-key/delete", { keyId: key.id });
      again();
    } catch (failure) {
      toast({ words: errorWords(failure), kind: "error" });
    }
  };
  return (
    <>
      <PartHead
        title="API keys"
        text="A runner or a script uses a key to reach this relay as you."
        action={<Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>New key</Button>}
      />
      {fresh && <ShownOnce name={fresh.name} value={fresh.key} done={() => setFresh(null)} />}
      {value ? (
        value.length > 0 ? <Table caption="API keys" columns={columns(revoke)} rows={value} keyOf={(key) => key.id} />
          : <Empty plain title="No keys yet." text="A runner needs one; connecting a runner makes it for you." action={<Button href="/connect">Connect a runner</Button>} />
      ) : error ? <ErrorState error={error} retry={again} /> : <Skeleton rows={3} height={36} />}
      <WithoutKey />
      {making && (
        <MakeKey
          close={() => setMaking(false)}
          made={(key) => {
            setMaking(false);
            setFresh(key);
            again();
          }}
        />
      )}
    </>
  );
}

function columns(revoke: (key: Key) => Promise<void>): readonly Column<Key>[] {
  return [
    { id: "name", words: "Name", cell: (key) => <b>{key.name || "Unnamed"}</b> },
    { id: "scope", words: "Used for", second: true, cell: (key) => USED_FOR[key.scope ?? "full"] },
    { id: "start", words: "Starts with", mono: true, wideOnly: true, cell: (key) => key.start ?? "" },
    { id: "last", words: "Last used", second: true, cell: (key) => used(key.lastRequest) },
    { id: "made", words: "Made", wideOnly: true, cell: (key) => clock(Date.parse(key.createdAt), now.value) },
    {
      id: "revoke",
      words: <span class="hide">Revoke</span>,
      num: true,
      cell: (key) => <Button kind="soft" tiny aria-label={`Revoke ${key.name || "unnamed key"}`} onClick={() => void revoke(key)}>Revoke</Button>,
    },
  ];
}

function used(at: string | null): string {
  if (at === null) return "Never";
  const time = Date.parse(at);
  return now.value - time < NOW_MS ? "Now" : clock(time, now.value);
}

/** The key itself, this once. */
function ShownOnce({ name, value, done }: { name: string; value: string; done: () => void }): JSX.Element {
  return (
    <section class="set-newkey" aria-label={`Key ${name}`}>
      <KeyRound size={16} strokeWidth={1.75} aria-hidden="true" />
      <div class="grow">
        <p><b>Key “{name}”</b> This key is shown once. Copy it now.</p>
        <code class="m" tabIndex={0} role="textbox" aria-readonly="true" aria-label="The new key">{value}</code>
      </div>
      <CopyButton value={value} kind="primary" tiny={false} />
      <Button small onClick={done}>I have it</Button>
    </section>
  );
}

function MakeKey({ close, made }: { close: () => void; made: (key: { name: string; key: string }) => void }): JSX.Element {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("runner");
  const [days, setDays] = useState("never");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const run = async (): Promise<void> => {
    setBusy(true);
    setError("");
    const life = days === "never" ? {} : { expiresIn: Number(days) * 86_400 };
    try {
      const answer = await post<{ key: string }>("/api/auth/api-key/create", { name: name.trim(), prefix: "pk_live_", scope, ...life });
      made({ name: name.trim(), key: answer.key });
    } catch (failure) {
      setError(errorWords(failure));
      setBusy(false);
    }
  };
  const ready = name.trim() !== "" && name.trim().length <= 32;
  return (
    <Dialog
      title="New key"
      onClose={close}
      foot={<><Button kind="quiet" onClick={close}>Cancel</Button><Button kind="primary" busy={busy} disabled={!ready} onClick={() => void run()}>Make the key</Button></>}
    >
      <form
        class="set-form"
        data-dirty={name !== "" || undefined}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void run();
        }}
      >
        <Field label="Name" hint="What uses it, for you to tell it apart. Up to 32 characters." error={name.trim().length > 32 ? "Up to 32 characters." : error || null}>
          {(links) => <TextInput {...links} value={name} onChange={setName} autoFocus autoComplete="off" maxLength={60} />}
        </Field>
        <Field label="Used for" hint={HINTS[scope]}>
          {(links) => (
            <Select {...links} value={scope} onChange={setScope} options={(Object.keys(USED_FOR) as Scope[]).map((value) => ({ value, words: USED_FOR[value] }))} />
          )}
        </Field>
        <Field label="Ends">
          {(links) => (
            <Select {...links} value={days} onChange={setDays} options={[{ value: "never", words: "Never" }, { value: "30", words: "In 30 days" }, { value: "90", words: "In 90 days" }, { value: "365", words: "In a year" }]} />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

const HINTS: Readonly<Record<Scope, string>> = {
  full: "Whoever has it can do what you can.",
  runner: "A runner connects with it and its agents reach their relay.",
  read: "Looks at sessions and runners, and changes nothing.",
  webhooks: "Sends events, and does nothing else.",
};

function WithoutKey(): JSX.Element {
  const [link, setLink] = useState("");
  const [error, setError] = useState<string | null>(null);
  const open = (): void => {
    const token = tokenOf(link);
    if (token) go(`/link/${encodeURIComponent(token)}`);
    else setError("The link that a runner prints ends in a word of 64 characters. Copy it whole.");
  };
  return (
    <section class="set-section">
      <h3 class="st">Connect without a key</h3>
      <p class="set-lead">A runner started without a key shows a QR code. Scan it with a signed-in phone, or paste the link it prints.</p>
      <form
        class="set-inline"
        onSubmit={(event) => {
          event.preventDefault();
          open();
        }}
      >
        <Field label={<span class="hide">Link from the runner</span>} error={error}>
          {(links) => (
            <TextInput {...links} value={link} placeholder="Link from the runner" autoComplete="off" onChange={(text) => {
              setLink(text);
              setError(null);
            }} />
          )}
        </Field>
        <Button type="submit" disabled={link.trim() === ""}>Approve…</Button>
      </form>
    </section>
  );
}
