/** The account: who is signed in, and its password. */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { ApiError, post } from "../../api/rest";
import { account } from "../../state/account";
import { Button, errorWords, Field, TextInput, toast } from "../../ui";
import { PartHead } from "./part";

const RULE = "At least 8 characters, with a capital letter, a small letter and a digit.";

/** The part "Account". */
export function AccountPart(): JSX.Element {
  const user = account.value.user;
  return (
    <>
      <PartHead title="Account" />
      <dl class="set-facts">
        <dt>Name</dt><dd>{user?.name}</dd>
        <dt>E-mail</dt><dd>{user?.email}</dd>
      </dl>
      <section class="set-section">
        <h3 class="st">Change the password</h3>
        <Password />
      </section>
    </>
  );
}

function Password(): JSX.Element {
  const [present, setPresent] = useState("");
  const [next, setNext] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<{ present?: string; next?: string }>({});
  const run = async (): Promise<void> => {
    setBusy(true);
    setWrong({});
    try {
      await post("/api/auth/change-password", { currentPassword: present, newPassword: next, revokeOtherSessions: true }, { quiet401: true });
      setPresent("");
      setNext("");
      toast({ words: "The password is changed. Other browsers were signed out.", kind: "done" });
    } catch (error) {
      if (error instanceof ApiError && error.code === "INVALID_PASSWORD") setWrong({ present: "This is not your present password." });
      else setWrong({ next: errorWords(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="set-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (present && next) void run();
      }}
    >
      <input class="hide" type="text" name="username" autoComplete="username" value={account.value.user?.email ?? ""} readOnly tabIndex={-1} aria-hidden="true" />
      <Field label="Present password" error={wrong.present}>
        {(links) => <TextInput {...links} type="password" autoComplete="current-password" value={present} onChange={setPresent} />}
      </Field>
      <Field label="New password" error={wrong.next} hint={RULE}>
        {(links) => <TextInput {...links} type="password" autoComplete="new-password" value={next} onChange={setNext} />}
      </Field>
      <p class="set-lead">Other browsers are signed out. API keys keep working.</p>
      <div><Button type="submit" kind="primary" busy={busy} disabled={!present || !next}>Change the password</Button></div>
    </form>
  );
}
