/** Where a person writes to the agent: one to ten lines, files, commands, and how it is to be delivered. */

import { ArrowUp, Paperclip, Square } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { connection } from "../api/connection";
import { touch, width } from "../lib/media";
import { clearDraft, draft } from "../state/drafts";
import type { Attachment, OpenSession, SendMode, SessionRow } from "../state/types";
import { Button, IconButton, Mark, Segments, errorWords, toast } from "../ui";
import { type OwnCommand, allCommands, ownCommands } from "./commands";
import { ComposerSheet } from "./composer-sheet";
import { ContextGauge } from "./context-gauge";
import { ModelButton } from "./model-menu";
import { modeOf, otherMode, setMode } from "./send-mode";
import { readCommand } from "./suggest";
import { SuggestList } from "./suggest-list";
import { UploadChips } from "./upload-chips";
import { addFiles, uploading } from "./uploads";
import { useSuggest } from "./use-suggest";

/** Props of Composer. Give it `key={session.id}`. */
export interface ComposerProps {
  session: OpenSession;
  row: SessionRow | undefined;
  /** Commands of the page around it. */
  commands: readonly OwnCommand[];
  onStop: () => void;
  onFocus: (has: boolean) => void;
  /** `↑` in the empty field: edit what was queued last. */
  onEditLast: () => void;
}

/** The field shows so many lines before it scrolls. */
const MOST_LINES = 10;
const MODES: readonly { value: SendMode; words: string }[] = [
  { value: "steer", words: "Steer now" },
  { value: "followUp", words: "After this" },
];

/** Put the cursor into the composer of the page. */
export function focusComposer(): void {
  document.querySelector<HTMLTextAreaElement>(".cmp-field")?.focus();
}

/** Answer whether a prompt can reach the agent now. */
export function reachable(session: OpenSession, row: SessionRow | undefined): boolean {
  const phase = session.phase.value;
  return connection.value.state !== "offline" && phase !== "reconnecting" && phase !== "awaited" && row?.status !== "offline";
}

/** Draw the composer. */
export function Composer({ session, row, commands: more, onStop, onFocus, onEditLast }: ComposerProps): JSX.Element {
  const kept = draft(session.id);
  const meta = session.meta.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const [armed, setArmed] = useState(false);
  const own = useMemo(() => ownCommands(session, more), [session, more]);
  const commands = useMemo(() => allCommands(own, meta.commands), [own, meta.commands]);
  const { text, attachments } = kept.value;
  const setText = (next: string): void => {
    kept.value = { ...kept.peek(), text: next };
  };
  const list = useSuggest({ text, setText, field, commands, runnerId: row?.runnerId ?? null, cwd: meta.cwd || row?.cwd || "" });
  const online = reachable(session, row);
  const mode = modeOf(session.id);
  const empty = text.trim() === "" && attachments.length === 0;
  const waits = uploading(session.id);
  useHeight(field, text);

  const deliver = (other: boolean): void => {
    const command = readCommand(kept.peek().text);
    const mine = own.find((each) => each.name === command?.name);
    const now = kept.peek();
    clearDraft(session.id);
    if (mine && command) {
      Promise.resolve(mine.run(command.rest)).catch((error: unknown) => toast({ words: errorWords(error), kind: "error" }));
      return;
    }
    send(session, now.text.trim(), now.attachments, meta.active ? (other ? otherMode(mode) : mode) : undefined);
  };
  const submit = (other = false): void => {
    if (empty || waits) return;
    if (online) deliver(other);
    else setArmed(true);
  };
  useEffect(() => {
    if (armed && empty) setArmed(false);
    else if (armed && online && !waits) {
      setArmed(false);
      deliver(false);
    }
  }, [armed, online, empty, waits]);

  const onKeyDown = (event: JSX.TargetedKeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.isComposing || list.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !(touch.value && !event.ctrlKey && !event.metaKey)) {
      event.preventDefault();
      submit(event.altKey);
    } else if (event.key === "ArrowUp" && text === "" && meta.queue.length > 0) {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <div class="cmp-wrap">
      {list.open && <SuggestList {...list} onChoose={list.choose} />}
      <div class="cmp" data-working={meta.active ? "" : undefined}>
        <UploadChips sessionId={session.id} />
        <textarea
          ref={field}
          class="cmp-field"
          rows={1}
          value={text}
          placeholder={meta.active ? "Steer the agent…" : "Message the agent…"}
          aria-label={meta.active ? "Steer the agent" : "Message the agent"}
          aria-autocomplete="list"
          aria-controls={list.open ? list.id : undefined}
          aria-activedescendant={list.open && list.rows.length > 0 ? `${list.id}-${list.chosen}` : undefined}
          enterkeyhint={touch.value ? "enter" : "send"}
          onInput={(event) => {
            setText(event.currentTarget.value);
            list.look();
          }}
          onSelect={list.look}
          onKeyDown={onKeyDown}
          onFocus={() => onFocus(true)}
          onBlur={() => onFocus(false)}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0) return;
            event.preventDefault();
            addFiles(session, files);
          }}
        />
        <div class="cmp-foot">
          <Tools session={session} online={online} insert={(sign) => insertSign(field.current, sign, setText, list.look)} />
          {!online && <span class="cmp-offline"><Mark state="offline" />Sends when the connection is back</span>}
          <span class="cmp-gap" />
          {meta.active && online && (
            <>
              <Button small kind="quiet" icon={Square} class="cmp-stop" tip="Esc twice" onClick={onStop}>Stop</Button>
              <Segments label="When to deliver" options={MODES} value={mode} onChange={(next) => setMode(session.id, next)} />
            </>
          )}
          <SendButton queueing={meta.active && mode === "followUp"} disabled={waits || armed} onSend={() => (empty ? field.current?.focus() : submit())} />
        </div>
      </div>
    </div>
  );
}

/** Send, and say it when it did not arrive: the text is in its block then, or back in the field when it has none. */
function send(session: OpenSession, text: string, attachments: readonly Attachment[], mode: SendMode | undefined): void {
  session.send(text, { attachments, ...(mode ? { mode } : {}) }).catch(() => {
    const failed = session.open.peek().findLast((block) => block.kind === "you" && block.delivery === "failed");
    const again = (): void => {
      if (failed) void session.retry(failed.key).catch(() => undefined);
      else {
        clearDraft(session.id);
        send(session, text, attachments, mode);
      }
    };
    const kept = draft(session.id);
    if (!failed && kept.peek().text === "") kept.value = { text, attachments };
    toast({ words: "Not sent. Your text is still here.", kind: "error", action: { words: "Try again", run: again } });
  });
}

/** What stands at the left of the foot. Under 440 px it is one button that opens a sheet. */
function Tools({ session, online, insert }: { session: OpenSession; online: boolean; insert: (sign: string) => void }): JSX.Element {
  const [sheet, setSheet] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label="Attach a file" icon={Paperclip} class="cmp-attach" onClick={() => files.current?.click()} />
      <IconButton label="Attach" icon={Paperclip} class="cmp-more" onClick={() => setSheet(true)} />
      <input
        ref={files}
        type="file"
        multiple
        class="hide"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          addFiles(session, event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
      {online && (
        <span class="cmp-tools">
          <button type="button" class="ib cmp-slash" aria-label="Commands" data-tip="Commands" onClick={() => insert("/")}>
            <span aria-hidden="true">/</span>
          </button>
          <ModelButton session={session} />
          <ContextGauge session={session} />
        </span>
      )}
      {sheet && <ComposerSheet session={session} onCommand={() => insert("/")} onClose={() => setSheet(false)} />}
    </>
  );
}

function SendButton({ queueing, disabled, onSend }: { queueing: boolean; disabled: boolean; onSend: () => void }): JSX.Element {
  const words = queueing ? "Queue" : "Send";
  if (width.value === "phone") {
    return (
      <button type="button" class="btn btn-primary cmp-send-phone" aria-label={words} disabled={disabled} onClick={onSend}>
        <ArrowUp size={20} strokeWidth={1.75} aria-hidden="true" />
      </button>
    );
  }
  return (
    <Button small kind="primary" class="cmp-send" disabled={disabled} onClick={onSend} {...(queueing ? {} : { after: ArrowUp })}>
      {words}
    </Button>
  );
}

/** Begin a command or a mention as if it had been typed: a command only where it counts, at the start. */
function insertSign(area: HTMLTextAreaElement | null, sign: string, setText: (text: string) => void, look: () => void): void {
  if (!area) return;
  const at = sign === "/" ? 0 : area.selectionStart;
  const text = area.value.startsWith(sign) && sign === "/" ? area.value : area.value.slice(0, at) + sign + area.value.slice(at);
  setText(text);
  requestAnimationFrame(() => {
    area.focus();
    area.setSelectionRange(at + 1, at + 1);
    look();
  });
}

/** Let the field grow with its text. */
function useHeight(field: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto";
    const style = getComputedStyle(area);
    const most = Number.parseFloat(style.lineHeight) * MOST_LINES + Number.parseFloat(style.paddingTop) + Number.parseFloat(style.paddingBottom);
    area.style.height = `${Math.min(area.scrollHeight, most)}px`;
    area.style.overflowY = area.scrollHeight > most ? "auto" : "hidden";
  }, [text]);
}
