/** What a page that came without encryption cannot do, and how to get it. */
import type { JSX } from "preact";

/** Shown where the browser does not trust the connection. */
export function NeedsTls(): JSX.Element {
  return (
    <section class="set-section set-tls">
      <h3 class="st">This page came without encryption</h3>
      <p class="set-lead">
        Browsers keep three things for encrypted pages: notifications, installing Relay as an app, and opening it while the relay is away.
        Everything else works, copying as well.
      </p>
      <p class="set-lead">
        To get them, open the relay at an address that starts with <span class="m">https</span>: put a proxy such as Caddy in front of it, or give the
        relay a certificate with <span class="m">relay serve --tls-cert cert.pem --tls-key key.pem</span>. On the relay's own machine{" "}
        <span class="m">http://localhost</span> counts as encrypted.
      </p>
    </section>
  );
}
