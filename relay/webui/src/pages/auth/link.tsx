/** `/link/{token}`: a runner that has no key asks to be let in (rest-account.md 5). */
import "./auth.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { ApiError, get, post, seg } from "../../api/rest";
import type { PageProps } from "../../lib/lazy";
import { useTitle } from "../../lib/title";
import { account } from "../../state/account";
import { connectedRunners } from "../../state/runners";
import { Button, ErrorState, Mark, Skeleton } from "../../ui";

type Status = "pending" | "approved" | "redeemed" | "expired" | "unknown";

interface Claim {
  status: Status;
  label?: string;
}

async function look(token: string): Promise<Claim> {
  try {
    return await get<Claim>(`/api/setup-claim-info/${seg(token)}`);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return { status: "unknown" };
    throw error;
  }
}

/** Let a runner in, or not. */
export default function LinkPage({ params }: PageProps): JSX.Element {
  const token = params["token"] ?? "";
  const [claim, setClaim] = useState<Claim | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = (): void => {
    setError(null);
    look(token).then(setClaim, setError);
  };
  useEffect(load, [token]);
  const name = claim?.label ?? "A runner";
  useTitle("Let a runner in");
  return (
    <>
      <header class="bar"><h1>Let a runner in</h1><span class="grow" /><span class="meta cut">Signed in as {account.value.user?.email}</span></header>
      <div class="scroll">
        <div class="welcome welcome-one">
          {error ? <ErrorState error={error} retry={load} /> : !claim ? <Skeleton rows={4} /> : claim.status === "pending" ? (
            <Ask name={name} token={token} approved={() => setClaim({ ...claim, status: "approved" })} failed={load} />
          ) : claim.status === "approved" ? (
            <Wait name={name} label={claim.label} />
          ) : (
            <Over status={claim.status} name={name} />
          )}
        </div>
      </div>
    </>
  );
}

function Ask({ name, token, approved, failed }: { name: string; token: string; approved: () => void; failed: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const approve = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await post(`/api/setup-claim/${seg(token)}/approve`);
      approved();
    } catch (reason) {
      if (reason instanceof ApiError && reason.status === 410) failed();
      else setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="welcome-head">
      <h2>Let {name} in?</h2>
      <p>It asks to run agents for your account and gets an API key of its own. Let it in only if you started it yourself, just now.</p>
      {error ? <p class="field-error" role="alert">{error instanceof Error ? error.message : ""}</p> : null}
      <div class="row step-go">
        <Button kind="primary" busy={busy} onClick={() => void approve()}>Let it in</Button>
        <Button kind="quiet" href="/">Not now</Button>
      </div>
    </div>
  );
}

function Wait({ name, label }: { name: string; label: string | undefined }): JSX.Element {
  const before = useRef(new Set(connectedRunners.peek().map((runner) => runner.id)));
  const arrived = connectedRunners.value.find((runner) => !before.current.has(runner.id) || (label !== undefined && runner.name === label));
  return (
    <div class="welcome-head">
      <h2 class="row">{arrived ? <Mark state="connected" /> : <Mark state="working" />}{arrived ? `${arrived.name} is connected` : `Waiting for ${name}`}</h2>
      <p>{arrived ? "It can run sessions now." : "It fetches its key within a few seconds and then connects."}</p>
      <div class="row step-go">
        {arrived ? <Button kind="primary" href={`/new?runner=${encodeURIComponent(arrived.id)}`}>Start a session there</Button> : <Button kind="quiet" href="/">All sessions</Button>}
      </div>
    </div>
  );
}

const OVER: Record<Exclude<Status, "pending" | "approved">, string> = {
  redeemed: "It was let in already and has its key.",
  expired: "The request is older than 10 minutes. Start the runner again to get a new one.",
  unknown: "The relay does not know this request. Start the runner again to get a new one.",
};

function Over({ status, name }: { status: Exclude<Status, "pending" | "approved">; name: string }): JSX.Element {
  return (
    <div class="welcome-head">
      <h2>{status === "redeemed" ? `${name} is in` : "This request is over"}</h2>
      <p>{OVER[status]}</p>
      <div class="row step-go"><Button href="/connect">Connect a runner</Button><Button kind="quiet" href="/">All sessions</Button></div>
    </div>
  );
}
