/** `/sign-in`. */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { Link } from "../../lib/router";
import { account, signIn } from "../../state/account";
import { Button, Field, TextInput } from "../../ui";
import { Door, refusal } from "./door";

/** Sign in with e-mail and password; where to go next is the app's business. */
export default function SignIn(): JSX.Element {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(email.trim(), password);
    } catch (reason) {
      setError(refusal(reason));
      setBusy(false);
    }
  };
  return (
    <Door title="Sign in">
      {account.value.over && <p class="door-note" role="status">You were signed out. Sign in to go on; your drafts are kept.</p>}
      <form class="door-form" onSubmit={(event) => void submit(event)}>
        <Field label="E-mail">
          {(links) => <TextInput {...links} type="email" autocomplete="username" required autofocus value={email} onChange={setEmail} />}
        </Field>
        <Field label="Password" error={error}>
          {(links) => <TextInput {...links} type="password" autocomplete="current-password" required value={password} onChange={setPassword} />}
        </Field>
        <Button type="submit" kind="primary" busy={busy}>Sign in</Button>
      </form>
      {account.value.signup && <p class="door-else">No account yet? <Link href="/set-up">Make one</Link></p>}
    </Door>
  );
}
