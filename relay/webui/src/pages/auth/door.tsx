/** The frame of the pages before the shell: one column of 360 px, left aligned, with the logo. */
import "./auth.css";
import type { ComponentChildren, JSX } from "preact";
import { useTitle } from "../../lib/title";
import { ApiError } from "../../api/rest";
import { useWindow } from "../../shell/window";
import { Live } from "../../shell/live-region";
import { errorWords, Logo } from "../../ui";

/** The column; `title` is its heading. */
export function Door({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  useTitle(title);
  useWindow();
  return (
    <main class="door" id="main">
      <div class="door-in">
        <p class="door-brand"><Logo />Relay</p>
        <h1 class="pg">{title}</h1>
        {children}
      </div>
      <Live />
    </main>
  );
}

/** Answer why the relay did not let somebody in, in words for people. */
export function refusal(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.offline) return "The relay does not answer. Check the connection and try again.";
    if (error.status === 401) return "The e-mail or password is wrong.";
  }
  return errorWords(error);
}
