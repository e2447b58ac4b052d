/** What the paperclip opens where the composer is narrow: photo, file, command, model and thinking. */

import { File as FileIcon, Image, SlidersHorizontal, SquareSlash } from "lucide-preact";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { width } from "../lib/media";
import type { OpenSession } from "../state/types";
import { Dialog, type Icon, Sheet } from "../ui";
import { ModelChoices, modelWords } from "./model-menu";
import { addFiles } from "./uploads";

/** Props of ComposerSheet. */
export interface ComposerSheetProps {
  session: OpenSession;
  onCommand: () => void;
  onClose: () => void;
}

/** Draw the sheet; a narrow composer on a wide screen gets a dialog. */
export function ComposerSheet({ session, onCommand, onClose }: ComposerSheetProps): JSX.Element {
  const [models, setModels] = useState(false);
  const photos = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const { name, more } = modelWords(session.meta.value);
  const Frame = width.value === "phone" ? Sheet : Dialog;
  const take = (list: FileList | null): void => {
    addFiles(session, list ?? []);
    onClose();
  };
  if (models) {
    return (
      <Frame title="Model and thinking" onClose={onClose}>
        <ModelChoices session={session} />
      </Frame>
    );
  }
  return (
    <Frame title="Add to the message" onClose={onClose}>
      <input ref={photos} type="file" accept="image/*" multiple class="hide" tabIndex={-1} aria-hidden="true" onChange={(event) => take(event.currentTarget.files)} />
      <input ref={files} type="file" multiple class="hide" tabIndex={-1} aria-hidden="true" onChange={(event) => take(event.currentTarget.files)} />
      <div class="cmp-sheet">
        <Row icon={Image} words="Photo" onClick={() => photos.current?.click()} />
        <Row icon={FileIcon} words="File" onClick={() => files.current?.click()} />
        <Row
          icon={SquareSlash}
          words="Command"
          onClick={() => {
            onClose();
            onCommand();
          }}
        />
        <Row icon={SlidersHorizontal} words="Model and thinking" note={`${name}${more}`} onClick={() => setModels(true)} />
      </div>
    </Frame>
  );
}

function Row({ icon: Shown, words, note, onClick }: { icon: Icon; words: string; note?: string; onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="menu-item" onClick={onClick}>
      <Shown size={20} strokeWidth={1.75} aria-hidden="true" />
      <span class="grow">{words}</span>
      {note !== undefined && <span class="meta cut">{note}</span>}
    </button>
  );
}
