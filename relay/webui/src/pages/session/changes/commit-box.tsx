/** The message and the commit; the message is kept per session until it is committed. */
import { ListTodo } from "lucide-preact";
import { useState } from "preact/hooks";
import { plural } from "../../../lib/format";
import { local } from "../../../lib/storage";
import { Button, toast } from "../../../ui";
import type { Changes } from "./use-changes";

const messages = local<Readonly<Record<string, string>>>("commitMessages", {}, (value) => typeof value === "object" && value !== null);

/** The box under the lists. */
export function CommitBox({ changes, sessionId }: { changes: Changes; sessionId: string }) {
  const { git, staged, busy, run } = changes;
  const [error, setError] = useState("");
  const message = messages.value[sessionId] ?? "";
  const write = (text: string): void => {
    setError("");
    const { [sessionId]: _gone, ...others } = messages.peek();
    messages.value = text ? { ...others, [sessionId]: text } : others;
  };
  const suggest = async (): Promise<void> => {
    await run("suggest", async () => write(await git.suggest()));
  };
  const commit = async (): Promise<void> => {
    if (busy !== "" || staged.length === 0) return;
    if (!message.trim()) {
      setError("A commit needs a message. Write one, or let one be suggested.");
      return;
    }
    if (await run("commit", () => git.commit(message.trim()))) {
      write("");
      toast({ words: `Committed ${plural(staged.length, "file")}.` });
    }
  };
  return (
    <form
      class="chg-commit"
      onSubmit={(event) => {
        event.preventDefault();
        void commit();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
        event.preventDefault();
        void commit();
      }}
    >
      <div class={`chg-message${error ? " bad" : ""}`}>
        <textarea
          value={message}
          rows={3}
          aria-label="Commit message"
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? "chg-error" : undefined}
          placeholder="What changed, and why"
          onInput={(event) => write(event.currentTarget.value)}
        />
        <Button small kind="quiet" icon={ListTodo} busy={busy === "suggest"} disabled={busy !== "" || staged.length === 0} onClick={() => void suggest()}>Suggest a message</Button>
      </div>
      {error && <p class="field-error" id="chg-error" role="alert">{error}</p>}
      <Button kind="primary" wide type="submit" keys="mod+enter" busy={busy === "commit"} disabled={busy !== "" || staged.length === 0}>
        {staged.length === 0 ? "Stage files to commit" : `Commit ${plural(staged.length, "file")}`}
      </Button>
    </form>
  );
}
