/** Clean HTML before it goes into the page: what the Markdown parser wrote is not trusted either. */

import DOMPurify, { type Config } from "dompurify";

const RULES: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "button", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre",
    "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["href", "class", "src", "alt", "title", "start", "tabindex", "role", "aria-label", "type", "data-act", "data-lang", "target", "rel"],
  ALLOW_DATA_ATTR: false,
  ADD_URI_SAFE_ATTR: ["start", "tabindex", "aria-label", "type", "data-act", "data-lang", "target", "rel"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|\/api\/attachments\/)/i,
  RETURN_DOM_FRAGMENT: true,
};

let ready = false;

/** Links open beside the page and tell nobody where they come from; what is no web address is no link. */
function prepare(): void {
  if (ready) return;
  ready = true;
  DOMPurify.addHook("afterSanitizeAttributes", (node) => {
    if (node.nodeName !== "A") return;
    if (node.hasAttribute("href")) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener noreferrer");
    }
  });
}

/** Answer the clean nodes of some HTML. */
export function clean(html: string): DocumentFragment {
  prepare();
  return DOMPurify.sanitize(html, RULES);
}
