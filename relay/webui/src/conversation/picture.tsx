/** Pictures: a box whose size is there before the picture is, and the whole screen on a click. */

import { X } from "lucide-preact";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { onBack } from "../lib/router";
import type { Picture } from "../transcript";
import { IconButton } from "../ui";
import type { LogState } from "./log-state";
import { type Size, sizeOf } from "./picture-size";

const HIGHEST = 480;
/** Sizes of pictures that were loaded once, by address. */
const known = new Map<string, Size>();

/** Answer the box for a picture: its own size within 480 px of height, or 4:3 at 240 px when that is not known. */
function boxOf(picture: Picture): Size {
  const size = known.get(picture.src) ?? sizeOf(picture.src);
  if (!size) return { width: 320, height: 240 };
  const scale = Math.min(1, HIGHEST / size.height);
  return { width: Math.round(size.width * scale), height: Math.round(size.height * scale) };
}

function remember(event: JSX.TargetedEvent<HTMLImageElement>): void {
  const { naturalWidth: width, naturalHeight: height, currentSrc } = event.currentTarget;
  if (width > 0 && height > 0 && !currentSrc.startsWith("data:")) known.set(event.currentTarget.getAttribute("src") ?? "", { width, height });
}

/** Pictures that a tool made. */
export function Pictures({ images, state, words }: { images: readonly Picture[]; state: LogState; words: string }): JSX.Element {
  return (
    <div class="log-shots">
      {images.map((image, at) => (
        <Shot key={at} image={image} state={state} words={images.length > 1 ? `${words}, picture ${at + 1}` : words} />
      ))}
    </div>
  );
}

function Shot({ image, state, words }: { image: Picture; state: LogState; words: string }): JSX.Element {
  // The box keeps the size that it had first, whatever turns out later.
  const box = useRef<Size | null>(null);
  box.current ??= boxOf(image);
  const { width, height } = box.current;
  return (
    <button type="button" class="log-shot" style={{ "--w": `${width}px`, "--ratio": `${width} / ${height}` }} aria-label={`${words}, full screen`} onClick={() => { state.picture.value = image; }}>
      <img src={image.src} alt={words} decoding="async" onLoad={remember} />
    </button>
  );
}

/** Pictures under what a person said. */
export function Thumbs({ images, state }: { images: readonly Picture[]; state: LogState }): JSX.Element {
  return (
    <span class="log-thumbs">
      {images.map((image, at) => (
        <button key={at} type="button" class="log-thumb" aria-label={`Picture ${at + 1}, full screen`} onClick={() => { state.picture.value = image; }}>
          <img src={image.src} alt={`Picture ${at + 1}`} decoding="async" />
        </button>
      ))}
    </span>
  );
}

/** The picture that fills the screen; Esc, Back or a click closes it. */
export function FullPicture({ state }: { state: LogState }): JSX.Element | null {
  const picture = state.picture.value;
  return picture ? <Full key={picture.src} picture={picture} close={() => { state.picture.value = null; }} /> : null;
}

function Full({ picture, close }: { picture: Picture; close: () => void }): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    const off = onBack(() => {
      close();
      return true;
    });
    return () => {
      off();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog ref={box} class="log-full" aria-label="Picture" onCancel={(event) => { event.preventDefault(); close(); }} onClick={close}>
      <img src={picture.src} alt="Picture in full size" />
      <IconButton class="log-full-close" label="Close" icon={X} onClick={close} />
    </dialog>
  );
}
