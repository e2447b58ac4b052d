/** Dialogs and sheets: focus goes in, Esc goes out, focus comes back (brief 5). The browser's own modal dialog does it. */
import { signal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";
import { X } from "lucide-preact";
import { onBack } from "../lib/router";
import { Button, IconButton } from "./button";

/** Props of Dialog and Sheet. */
export interface DialogProps {
  title: string;
  onClose: () => void;
  children?: ComponentChildren;
  /** Buttons at the foot: Cancel left of the action. */
  foot?: ComponentChildren;
  /** Width in px on desktop and tablet; 440 unless told. */
  wide?: number;
  /** Distance from the top in px; centred when left out. */
  top?: number;
  /** Full screen on a phone instead of a box at the bottom. */
  full?: boolean;
  /** No visible head: the content has its own. The title names it for readers. */
  bare?: boolean;
  class?: string;
}

function useModal(onClose: () => void): { box: { current: HTMLDialogElement | null } } {
  const box = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => onBack(() => {
    close.current();
    return true;
  }), []);
  return { box };
}

/** A modal dialog. A click beside it closes it, unless a form in it was changed (give it `data-dirty`). */
export function Dialog({ title, onClose, children, foot, wide = 440, top, full, bare, class: more }: DialogProps): JSX.Element {
  const { box } = useModal(onClose);
  const id = useId();
  const beside = useRef(false);
  return (
    <dialog
      ref={box}
      class={`dlg${full ? " dlg-full" : ""}${more ? ` ${more}` : ""}`}
      aria-labelledby={bare ? undefined : id}
      aria-label={bare ? title : undefined}
      style={{ "--wide": `${wide}px`, ...(top === undefined ? {} : { "--top": `${top}px` }) }}
      onCancel={(event) => {
        event.preventDefault();
        if (event.target === event.currentTarget) onClose();
      }}
      onPointerDown={(event) => { beside.current = event.target === event.currentTarget; }}
      onClick={(event) => {
        if (event.target === event.currentTarget && beside.current && !event.currentTarget.querySelector("[data-dirty]")) onClose();
      }}
    >
      <div class="dlg-in">
        {!bare && (
          <header class="dlg-head">
            <h2 id={id}>{title}</h2>
            <IconButton label="Close" icon={X} onClick={onClose} />
          </header>
        )}
        <div class="dlg-body">{children}</div>
        {foot && <footer class="dlg-foot">{foot}</footer>}
      </div>
    </dialog>
  );
}

/** A sheet from the bottom, for phones: drag it down or press Esc to close. */
export function Sheet({ title, onClose, children, foot }: DialogProps): JSX.Element {
  const { box } = useModal(onClose);
  const id = useId();
  const from = useRef<number | null>(null);
  const shift = (y: number): void => {
    if (box.current) box.current.style.transform = y > 0 ? `translateY(${y}px)` : "";
  };
  return (
    <dialog
      ref={box}
      class="sheet"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => { if (event.target === event.currentTarget) onClose(); }}
    >
      <div class="sheet-in">
        <header
          class="sheet-head"
          onPointerDown={(event) => {
            from.current = event.clientY;
            event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={(event) => { if (from.current !== null) shift(event.clientY - from.current); }}
          onPointerUp={(event) => {
            const far = from.current !== null && event.clientY - from.current > 80;
            from.current = null;
            if (far) onClose();
            else shift(0);
          }}
          onPointerCancel={() => {
            from.current = null;
            shift(0);
          }}
        >
          <h2 id={id}>{title}</h2>
        </header>
        <div class="sheet-body">{children}</div>
        {foot && <footer class="dlg-foot">{foot}</footer>}
      </div>
    </dialog>
  );
}

/** What `confirm` asks: the title is a question, the action a verb. */
export interface Confirmation {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  cancel?: string;
}

const asked = signal<(Confirmation & { answer: (yes: boolean) => void }) | null>(null);

/** Ask before something that cannot be undone; true when the person said yes. */
export function confirm(question: Confirmation): Promise<boolean> {
  asked.peek()?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

/** Where `confirm` appears; the shell holds one. */
export function Confirms(): JSX.Element | null {
  const question = asked.value;
  if (!question) return null;
  const no = (): void => question.answer(false);
  return (
    <Dialog
      title={question.title}
      onClose={no}
      wide={400}
      bare
      class="dlg-ask"
      foot={
        <>
          <span class="grow" />
          <Button kind="quiet" onClick={no}>{question.cancel ?? "Cancel"}</Button>
          <Button kind={question.danger ? "danger" : "primary"} autofocus onClick={() => question.answer(true)}>{question.action}</Button>
        </>
      }
    >
      <h2>{question.title}</h2>
      <p>{question.text}</p>
    </Dialog>
  );
}
