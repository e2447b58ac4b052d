// A page as small as the interceptor needs it: what it wraps, written down when it is called. Reads a JSON job from
// standard input ({script, location, cases: [[name, argument], ...]}), runs the script and answers what each case became.
"use strict";
const vm = require("node:vm");
const job = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const calls = [];
const note = value => { calls.push(String(value && value.url ? value.url : value)); };

const build = `(() => {
class Node { set textContent(v) { note(v); } appendChild(n) { note(n.data); return n; } insertBefore(n) { return n; } }
class Element extends Node {
  setAttribute(n, v) { note(v); } setAttributeNS(s, n, v) { note(v); }
  set innerHTML(v) { note(v); } set outerHTML(v) { note(v); } insertAdjacentHTML(p, v) { note(v); }
}
class HTMLStyleElement extends Element {}
class HTMLScriptElement extends Element { set src(v) { note(v); } }
class HTMLImageElement extends Element { set src(v) { note(v); } set srcset(v) { note(v); } }
class HTMLAnchorElement extends Element { set href(v) { note(v); } }
class HTMLFormElement extends Element { set action(v) { note(v); } }
class Document { set cookie(v) { note(v); } }
class WebSocket { constructor(u) { note(u); } }
Object.assign(WebSocket, {CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3});
class EventSource { constructor(u) { note(u); } }
EventSource.OPEN = 1;
class Worker { constructor(u) { note(u); } }
class SharedWorker { constructor(u) { note(u); } }
class Request { constructor(u) { this.url = new URL(u, document.baseURI).href; } }
class XMLHttpRequest { open(m, u) { note(u); } }
class Navigator { sendBeacon(u) { note(u); } }
class History { pushState(a, b, u) { note(u); } replaceState(a, b, u) { note(u); } }
class ServiceWorkerContainer { register(u) { note(u); } }
const document = Object.assign(new Document(), {baseURI: place, querySelector: () => null,
  write: (...all) => note(all.join("")), writeln: () => 0});
const location = new URL(place);
const fetch = u => note(u);
const open = u => note(u);
Object.assign(globalThis, {Node, Element, HTMLStyleElement, HTMLScriptElement, HTMLImageElement, HTMLAnchorElement,
  HTMLFormElement, Document, WebSocket, EventSource, Worker, SharedWorker, Request, XMLHttpRequest, Navigator, History,
  ServiceWorkerContainer, document, location, fetch, open});
})()`;
const context = vm.createContext({ URL, note, place: job.location });
vm.runInContext(build, context);
vm.runInContext(job.script, context);
vm.runInContext(job.script, context);
const answers = job.cases.map(code => {
  calls.length = 0;
  try {
    const value = vm.runInContext("{" + code + "}", context);
    return calls.length ? calls[calls.length - 1] : value;
  } catch (error) { return "threw " + error; }
});
process.stdout.write(JSON.stringify(answers));
