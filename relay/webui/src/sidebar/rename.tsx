/** Ask for a session's name in a dialog of its own, from wherever the menu was open. */
import { render } from "preact";
import { useState } from "preact/hooks";
import { rename } from "../state/sessions";
import type { SessionRow } from "../state/types";
import { Button, Dialog, errorWords, Field, TextInput } from "../ui";

/** Open the dialog; it removes itself. */
export function askName(row: SessionRow): void {
  const holder = document.createElement("div");
  document.body.append(holder);
  const close = (): void => {
    render(null, holder);
    holder.remove();
  };
  render(<RenameDialog row={row} onClose={close} />, holder);
}

function RenameDialog({ row, onClose }: { row: SessionRow; onClose: () => void }) {
  const [name, setName] = useState(row.name);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    if (!name.trim()) {
      setError("A name has at least one letter.");
      return;
    }
    setBusy(true);
    try {
      await rename(row.id, name.trim());
      onClose();
    } catch (problem) {
      setError(errorWords(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Rename session"
      onClose={onClose}
      foot={
        <>
          <span class="grow" />
          <Button kind="quiet" onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => void save()}>Rename</Button>
        </>
      }
    >
      <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <Field label="Name" error={error}>
          {(links) => <TextInput {...links} value={name} maxLength={120} autofocus onChange={setName} />}
        </Field>
      </form>
    </Dialog>
  );
}
