/** Settings: one frame with its own navigation; each part is a page (brief 2, 3). */
import "./settings.css";
import { useEffect, useState } from "preact/hooks";
import type { ComponentType, JSX } from "preact";
import { ArrowLeft, LogOut } from "lucide-preact";
import { width } from "../../lib/media";
import type { PageProps } from "../../lib/lazy";
import { go, Link } from "../../lib/router";
import { useTitle } from "../../lib/title";
import { account, signOut } from "../../state/account";
import { Button, errorWords, IconButton, Select, toast } from "../../ui";
import { About } from "./about";
import { AccountPart } from "./account";
import { Appearance } from "./appearance";
import { counts, loadCounts } from "./counts";
import { Devices } from "./devices";
import { Keys } from "./keys";
import { Models } from "./models";
import { Notifications } from "./notifications";
import { ThisRelay } from "./this-relay";

interface Part {
  id: string;
  words: string;
  group: string;
  page: ComponentType;
}

const PARTS: readonly Part[] = [
  { id: "appearance", words: "Appearance", group: "You", page: Appearance },
  { id: "notifications", words: "Notifications", group: "You", page: Notifications },
  { id: "account", words: "Account", group: "You", page: AccountPart },
  { id: "devices", words: "Devices", group: "You", page: Devices },
  { id: "models", words: "Models", group: "Work", page: Models },
  { id: "keys", words: "API keys", group: "Work", page: Keys },
  { id: "relay", words: "This relay", group: "Server", page: ThisRelay },
  { id: "about", words: "About", group: "Server", page: About },
];
const GROUPS = ["You", "Work", "Server"] as const;

/** The page at /settings and /settings/{part}. */
export default function Settings({ params }: PageProps): JSX.Element {
  const named = params["part"];
  const part = PARTS.find((entry) => entry.id === named);
  const phone = width.value === "phone";
  const wanted = part ?? (phone && !named ? null : PARTS[0]);
  useEffect(() => {
    if (!part && wanted) go(`/settings/${wanted.id}`, "replace");
  }, [part, wanted]);
  useEffect(loadCounts, []);
  useTitle(wanted ? `${wanted.words} · Settings` : "Settings");
  return (
    <>
      <header class="bar">
        {phone && part && <IconButton label="Back" icon={ArrowLeft} href="/settings" />}
        <h1>{phone && part ? part.words : "Settings"}</h1>
        <span class="grow" />
        {!phone && <span class="meta cut">{account.value.user?.email}</span>}
        {(!phone || !part) && <SignOut />}
      </header>
      {!wanted ? <PhoneList /> : (
        <div class="set">
          {width.value === "desktop" && <Navigation chosen={wanted.id} />}
          <div class="scroll">
            <div class="set-body">
              {width.value === "tablet" && <Chooser chosen={wanted.id} />}
              <wanted.page />
            </div>
          </div>
        </div>
      )}
    </>
  );
}

function Navigation({ chosen }: { chosen: string }): JSX.Element {
  return (
    <nav class="set-nav" aria-label="Settings">
      {GROUPS.map((group) => (
        <section key={group} aria-label={group}>
          <h2>{group}</h2>
          {PARTS.filter((part) => part.group === group).map((part) => (
            <Link key={part.id} href={`/settings/${part.id}`} how="replace" class={part.id === chosen ? "on" : ""} aria-current={part.id === chosen ? "page" : undefined}>
              {part.words}<span>{counts.value[part.id] ?? ""}</span>
            </Link>
          ))}
        </section>
      ))}
    </nav>
  );
}

function Chooser({ chosen }: { chosen: string }): JSX.Element {
  return (
    <label class="set-chooser">
      <span>Part</span>
      <Select value={chosen} onChange={(id) => go(`/settings/${id}`, "replace")} options={PARTS.map((part) => ({ value: part.id, words: part.words, group: part.group }))} />
    </label>
  );
}

function PhoneList(): JSX.Element {
  return (
    <nav class="scroll set-list" aria-label="Settings">
      <p class="set-who">{account.value.user?.email}</p>
      {PARTS.map((part) => (
        <Link key={part.id} href={`/settings/${part.id}`}>
          {part.words}<span>{counts.value[part.id] ?? ""}</span><i aria-hidden="true">›</i>
        </Link>
      ))}
    </nav>
  );
}

function SignOut(): JSX.Element {
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      await signOut();
    } catch (error) {
      toast({ words: errorWords(error), kind: "error" });
      setBusy(false);
    }
  };
  return <Button kind="quiet" small icon={LogOut} busy={busy} onClick={() => void run()}>Sign out</Button>;
}
