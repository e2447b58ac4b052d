/** What the page tells the window: title, badge, and how much of it the phone's keyboard covers. */
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { pageTitle } from "../lib/title";
import { waitingCount } from "../state/sessions";

/** Keep title, app badge and `--kb` in step while the shell is shown. */
export function useWindow(): void {
  useEffect(() => {
    const offTitle = effect(() => {
      const words = pageTitle();
      const waits = waitingCount.value > 0 ? `(${waitingCount.value}) ` : "";
      document.title = `${waits}${words ? `${words} · ` : ""}Relay`;
    });
    const offBadge = effect(() => {
      const n = waitingCount.value;
      if ("setAppBadge" in navigator) void (n > 0 ? navigator.setAppBadge(n) : navigator.clearAppBadge()).catch(() => undefined);
    });
    const view = window.visualViewport;
    const keyboard = (): void => {
      if (!view) return;
      const covered = Math.max(0, Math.round(window.innerHeight - view.height - view.offsetTop));
      document.documentElement.style.setProperty("--kb", `${covered}px`);
      document.documentElement.classList.toggle("keyboard", covered > 80);
    };
    view?.addEventListener("resize", keyboard);
    view?.addEventListener("scroll", keyboard);
    return () => {
      offTitle();
      offBadge();
      view?.removeEventListener("resize", keyboard);
      view?.removeEventListener("scroll", keyboard);
    };
  }, []);
}
