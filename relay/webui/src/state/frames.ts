/** Run something once per frame, however often it is asked for; while the page is hidden four times a second. */

const HIDDEN_MS = 250;

/** Answer a function that asks for `run`, and one that takes a request back. */
export function perFrame(run: () => void): { ask: () => void; cancel: () => void } {
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const now = (): void => {
    cancel();
    run();
  };
  const cancel = (): void => {
    if (frame !== 0) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = 0;
    timer = undefined;
  };
  const ask = (): void => {
    if (frame !== 0 || timer !== undefined) return;
    // A frame that was asked for just before the page was hidden never comes; the timer is there for it.
    if (document.visibilityState === "visible") frame = requestAnimationFrame(now);
    timer = setTimeout(now, HIDDEN_MS);
  };
  return { ask, cancel };
}
