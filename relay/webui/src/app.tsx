/** The whole page: which page the address opens, for whom, in which frame. */
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { JSX } from "preact";
import { go, path, query } from "./lib/router";
import NotFound from "./pages/not-found";
import { open, preload, type Opened } from "./routes";
import { Shell } from "./shell";
import { account } from "./state/account";
import { followRunners } from "./state/runners";
import { followSessions } from "./state/sessions";
import { Logo } from "./ui";

/** What lies under the dialog of /new. */
const under = signal("/");
effect(() => {
  if (path.value !== "/new") under.value = path.value;
});

/** Where somebody goes who has to sign in first: the door, with the way back to what was wanted. */
function doorFor(state: "none" | "out", wanted: Opened | null): string | null {
  if (wanted?.frame === "door") return state === "none" && wanted.name === "sign-in" ? "/set-up" : null;
  if (state === "none") return "/set-up";
  const target = location.pathname + location.search;
  return target === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(target)}`;
}

/** Only an address of this page may follow a sign-in: no other origin, no scheme. */
export function safeTarget(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) ? to : "/";
}

function whenIdle(run: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(run);
  else setTimeout(run, 300);
}

/** The page. */
export function App(): JSX.Element {
  const { state } = account.value;
  const wanted = open(path.value);
  const away = state === "none" || state === "out" ? doorFor(state, wanted) : null;
  const inside = state === "in" && wanted?.frame === "door" && wanted.name !== "set-up";
  useEffect(() => {
    if (away) go(away, "replace");
    else if (inside) go(safeTarget(query.peek().get("to")), "replace");
  }, [away, inside]);
  useEffect(() => {
    if (state !== "in") return undefined;
    whenIdle(() => preload("home", "session", "new"));
    const leave = [followSessions(), followRunners()];
    return () => leave.forEach((each) => each());
  }, [state]);

  if (state === "loading" || away || inside) return <div class="door-wait" role="status" aria-label="Loading"><Logo large /></div>;
  if (!wanted) return <Shell place=""><NotFound /></Shell>;
  if (wanted.frame === "door") return <wanted.page params={wanted.params} />;
  if (wanted.name === "new") {
    const below = open(under.value);
    return (
      <Shell place={below?.name ?? ""}>
        {below && below.frame === "shell" ? <below.page key={below.name} params={below.params} /> : null}
        <wanted.page params={wanted.params} />
      </Shell>
    );
  }
  return <Shell place={wanted.name}><wanted.page key={wanted.name} params={wanted.params} /></Shell>;
}
