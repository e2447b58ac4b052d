/** `/set-up`: the first account, and further ones where the relay lets people make them. */
import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import { go, Link } from "../../lib/router";
import { account, signUp } from "../../state/account";
import { Button, Field, TextInput } from "../../ui";
import { Door, refusal } from "./door";

const RULES = "At least 8 characters, with an upper-case letter, a lower-case letter and a number.";

/** Answer what a password lacks, null when it is good enough (the relay's own rule). */
export function passwordLack(password: string): string | null {
  const length = [...password].length;
  if (length < 8) return "This is too short: 8 characters are the least.";
  if (length > 128) return "This is too long: 128 characters are the most.";
  const lacks = [
    /[A-Z]/.test(password) ? "" : "an upper-case letter",
    /[a-z]/.test(password) ? "" : "a lower-case letter",
    /[0-9]/.test(password) ? "" : "a number",
  ].filter(Boolean);
  return lacks.length > 0 ? `This needs ${lacks.join(" and ")} as well.` : null;
}

/** Make an account, then show how to connect a runner. */
export default function SetUp(): JSX.Element {
  const { state, setupCode } = account.value;
  const first = state === "none";
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ at: "password" | "code" | "all"; words: string } | null>(null);
  useEffect(() => {
    if (state === "in") go("/connect", "replace");
  }, [state]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const lack = passwordLack(password);
    if (lack) {
      setError({ at: "password", words: lack });
      return;
    }
    setBusy(true);
    setError(null);
    const address = email.trim();
    try {
      await signUp(address.split("@")[0] || address, address, password, code.trim() || undefined);
    } catch (reason) {
      const words = refusal(reason);
      setError({ at: setupCode && /code/i.test(words) ? "code" : "all", words });
      setBusy(false);
    }
  };
  const at = (place: "password" | "code"): string | null => (error?.at === place ? error.words : null);
  return (
    <Door title={first ? "Make the first account" : "Make an account"}>
      <p class="door-note">{first ? "This relay is new. The first account is yours; it can do everything." : "With it you can connect runners of your own."}</p>
      <form class="door-form" onSubmit={(event) => void submit(event)}>
        <Field label="E-mail">
          {(links) => <TextInput {...links} type="email" autocomplete="username" required autofocus value={email} onChange={setEmail} />}
        </Field>
        <Field label="Password" hint={RULES} error={at("password")}>
          {(links) => <TextInput {...links} type="password" autocomplete="new-password" required value={password} onChange={setPassword} />}
        </Field>
        {setupCode && (
          <Field label="Set-up code" hint="The relay printed it in its terminal when it started." error={at("code")}>
            {(links) => <TextInput {...links} mono autocomplete="one-time-code" autocapitalize="characters" spellcheck={false} required placeholder="XXXX-XXXX-XXXX" value={code} onChange={setCode} />}
          </Field>
        )}
        {error?.at === "all" && <p class="field-error" role="alert">{error.words}</p>}
        <Button type="submit" kind="primary" busy={busy}>Make the account</Button>
      </form>
      {!first && <p class="door-else">You have an account? <Link href="/sign-in">Sign in</Link></p>}
    </Door>
  );
}
