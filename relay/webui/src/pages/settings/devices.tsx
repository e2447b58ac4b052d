/** Signed-in browsers: what they are, when they were last here, and sign them out. */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { get, post } from "../../api/rest";
import { ago, clock, now } from "../../lib/format";
import { Button, confirm, errorWords, ErrorState, Mark, Skeleton, toast } from "../../ui";
import { browserName } from "./browser-name";
import { setCount } from "./counts";
import { PartHead } from "./part";
import { useLoad } from "./use-load";

interface Device {
  id: string;
  token: string;
  createdAt: string;
  updatedAt: string;
  ipAddress: string | null;
  userAgent: string | null;
}

async function loadDevices(): Promise<{ present: string; devices: readonly Device[] }> {
  const [list, session] = await Promise.all([
    get<readonly Device[]>("/api/auth/list-sessions"),
    get<{ session?: { id?: string } } | null>("/api/auth/get-session"),
  ]);
  setCount("devices", String(list.length));
  const present = session?.session?.id ?? "";
  const latest = (device: Device): number => Date.parse(device.updatedAt);
  return { present, devices: [...list].sort((a, b) => Number(b.id === present) - Number(a.id === present) || latest(b) - latest(a)) };
}

/** The part "Devices". */
export function Devices(): JSX.Element {
  const { value, error, again } = useLoad(loadDevices);
  const [busy, setBusy] = useState("");
  const attempt = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    setBusy(name);
    try {
      await run();
      again();
    } catch (failure) {
      toast({ words: errorWords(failure), kind: "error" });
    } finally {
      setBusy("");
    }
  };
  const others = async (): Promise<void> => {
    const yes = await confirm({ title: "Sign out everywhere else?", text: "Every other browser has to sign in again. API keys keep working.", action: "Sign out the others", danger: true });
    if (yes) await attempt("others", () => post("/api/auth/revoke-other-sessions", {}));
  };
  return (
    <>
      <PartHead
        title="Devices"
        text="Browsers that are signed in as you."
        action={value && value.devices.length > 1 ? <Button busy={busy === "others"} onClick={() => void others()}>Sign out the others…</Button> : undefined}
      />
      {value ? (
        <ul class="set-devices">
          {value.devices.map((device) => (
            <li key={device.id}>
              <Mark state={device.id === value.present ? "connected" : "idle"} />
              <div class="grow">
                <b>{browserName(device.userAgent ?? "")}</b>
                <p>{[device.ipAddress, `signed in ${clock(Date.parse(device.createdAt), now.value)}`].filter(Boolean).join(" · ")}</p>
              </div>
              {device.id === value.present ? <span class="t3">This browser</span> : (
                <>
                  <span class="t3 num">{ago(Date.parse(device.updatedAt), now.value)}</span>
                  <Button kind="soft" tiny busy={busy === device.id} aria-label={`Sign out ${browserName(device.userAgent ?? "")}`} onClick={() => void attempt(device.id, () => post("/api/auth/revoke-session", { token: device.token }))}>Sign out</Button>
                </>
              )}
            </li>
          ))}
        </ul>
      ) : error ? <ErrorState error={error} retry={again} /> : <Skeleton rows={2} height={52} />}
    </>
  );
}
