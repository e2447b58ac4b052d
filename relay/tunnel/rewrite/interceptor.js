// The code of the script that every tunnelled page gets (tunnel.md 3.5). interceptor.py puts it into a function and
// declares B (the prefix), P (the port of the service) and S (whether other ports have prefixes of their own) before it.
// Comment lines are left out of what is sent. It must stay ASCII and hold neither "</script" nor "]]" before ">".
"use strict";
var G = globalThis, D = document, NativeURL = G.URL;
if (G.__pizzapiTunnelUrl) return;
// A srcdoc frame has no host in its location; its base is that of the page around it.
var here = new NativeURL(D.baseURI);
var head = B.slice(0, B.lastIndexOf("/") + 1);

// Other ports that this page was led to: their addresses come back here when a script reads and uses them again.
var known = {};

// Answer whether a path has the prefix, or that of another port; a longer port is not this one.
function isPrefixed(path) {
  var found = path.startsWith(head) && /^(\d+)(?=[\/?#]|$)/.exec(path.slice(head.length));
  if (path.startsWith(B)) return /^(?:[\/?#]|$)/.test(path.slice(B.length)) || !!(found && known[found[1]]);
  return S && !!found;
}
function isLocal(url) {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
}
function baseOf(url) {
  if (!S || !url.port || +url.port === P) return B;
  known[url.port] = true;
  return head + url.port;
}
function parsed(text) {
  try { return new NativeURL(text, here); } catch (_) { return null; }
}
// `ws://host:443` and `https://host` are one place, as are `http://host` and a page on `https://host`.
function isOwn(url) {
  var port = url.port || (url.protocol === "https:" ? "443" : "80");
  return url.host === here.host ||
    (url.hostname === here.hostname && port === (here.port || (here.protocol === "https:" ? "443" : "80")));
}
// Answer what is behind the authority of a URL in the terms of the relay; null where it is not the service's.
function mapped(url) {
  var rest = url.pathname + url.search + url.hash;
  if (isOwn(url)) return isPrefixed(rest) ? rest : B + rest;
  return isLocal(url) ? baseOf(url) + rest : null;
}
function http(value) {
  if (value instanceof NativeURL) {
    var fixed = http(value.href);
    return fixed === value.href ? value : new NativeURL(fixed);
  }
  if (typeof value !== "string") return value;
  var text = value.replace(/^[\0- ]+/, "");
  if (/^\/(?![\/\\])/.test(text)) return isPrefixed(text) ? value : B + text;
  if (!/^(?:https?:|[\/\\]{2})/i.test(text)) return value;
  var url = parsed(text), path = url && mapped(url);
  if (!path || (url.host === here.host && isPrefixed(url.pathname))) return value;
  return (url.host === here.host ? url.protocol : here.protocol) + "//" + here.host + path;
}
function socket(value) {
  var text = value instanceof NativeURL ? value.href : value;
  if (typeof text !== "string") return value;
  text = text.replace(/^[\0- ]+/, "");
  if (!/^(?:(?:ws|http)s?:|\/)/i.test(text)) return value;
  // Default ports differ between http and ws only in name.
  var url = parsed(text.replace(/^ws(?=s?:)/i, "http")), path = url && mapped(url);
  return path ? (here.protocol === "https:" ? "wss:" : "ws:") + "//" + here.host + path : value;
}
function srcset(value) {
  if (typeof value !== "string") return value;
  return value.replace(/(^[\s,]*|,\s+|[\d.][wxh]\s*,\s*)(\/[^\s]*|https?:[^\s]*)/gi, function (_, before, url) {
    return before + http(url);
  });
}
function css(value) {
  if (typeof value !== "string") return value;
  return value.replace(/(\burl\(\s*["']?|@import\s+["'])((?:\/|https?:)[^"')\s]*)/gi, function (_, before, url) {
    return before + http(url);
  });
}
var attributes = {
  src: http, href: http, action: http, formaction: http, poster: http, data: http, background: http, "xlink:href": http,
  srcset: srcset, imagesrcset: srcset, style: css
};
var inTag = /([\s"'\/](src|href|action|formaction|poster|data|background|xlink:href|srcset|imagesrcset|style)\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>][^\s>]*)/gi;
function html(value) {
  if (typeof value !== "string") return value;
  return value.replace(/<[a-z](?:[^"'>]|"[^"]*"|'[^']*')*>/gi, function (tag) {
    return tag.replace(inTag, function (_, before, name, quoted) {
      var quote = /^["']/.test(quoted) ? quoted[0] : "", inner = quote ? quoted.slice(1, -1) : quoted;
      return before + quote + attributes[name.toLowerCase()](inner) + quote;
    });
  });
}

// Wrap a function so that one of its arguments is fixed. A proxy keeps name, length and what others put on it.
function wrapCall(owner, name, index, fix) {
  var native = owner && owner[name];
  if (typeof native !== "function") return;
  owner[name] = new Proxy(native, { apply: function (target, self, args) {
    if (args.length > index) args[index] = fix(args[index], self, args);
    return Reflect.apply(target, self, args);
  } });
}
// Wrap a constructor; subclasses, instanceof and constants go on working.
function wrapClass(name, fix) {
  var native = G[name];
  if (typeof native !== "function") return;
  var wrapped = new Proxy(native, { construct: function (target, args, newTarget) {
    if (args.length) args[0] = fix(args[0]);
    return Reflect.construct(target, args, newTarget === wrapped ? target : newTarget);
  } });
  native.prototype.constructor = wrapped;
  G[name] = wrapped;
}
function wrapSetter(owner, name, fix) {
  var property = owner && Object.getOwnPropertyDescriptor(owner, name);
  if (!property || !property.set || !property.configurable) return;
  var set = property.set;
  property.set = function (value) { set.call(this, fix(value, this)); };
  Object.defineProperty(owner, name, property);
}
function prototype(name) {
  return G[name] && G[name].prototype;
}

wrapClass("Request", http);
wrapCall(G, "fetch", 0, function (input, _, args) {
  if (!G.Request || !(input instanceof G.Request)) return http(input);
  var url = http(input.url);
  return url === input.url ? input : new G.Request(url, input);
});
wrapCall(prototype("XMLHttpRequest"), "open", 1, http);
wrapClass("EventSource", http);
wrapClass("WebSocket", socket);
wrapClass("Worker", http);
wrapClass("SharedWorker", http);
wrapCall(prototype("ServiceWorkerContainer"), "register", 0, http);
wrapCall(prototype("Navigator"), "sendBeacon", 0, http);
wrapCall(G, "open", 0, http);
wrapCall(prototype("History"), "pushState", 2, http);
wrapCall(prototype("History"), "replaceState", 2, http);

wrapCall(prototype("Element"), "setAttribute", 1, function (value, self, args) {
  var fix = attributes[String(args[0]).toLowerCase()];
  return fix ? fix(value) : value;
});
wrapCall(prototype("Element"), "setAttributeNS", 2, function (value, self, args) {
  var fix = attributes[String(args[1]).toLowerCase().replace(/^.*:/, "")];
  return fix ? fix(value) : value;
});
[
  ["Script", "src"], ["Image", "src"], ["Media", "src"], ["Source", "src"], ["IFrame", "src"], ["Track", "src"],
  ["Embed", "src"], ["Input", "src"], ["Link", "href"], ["Anchor", "href"], ["Area", "href"], ["Base", "href"],
  ["Form", "action"], ["Input", "formAction"], ["Button", "formAction"], ["Video", "poster"], ["Object", "data"]
].forEach(function (pair) { wrapSetter(prototype("HTML" + pair[0] + "Element"), pair[1], http); });
[["Image", "srcset"], ["Source", "srcset"], ["Link", "imageSrcset"]].forEach(function (pair) {
  wrapSetter(prototype("HTML" + pair[0] + "Element"), pair[1], srcset);
});
wrapSetter(prototype("HTMLIFrameElement"), "srcdoc", html);

wrapSetter(prototype("Element"), "innerHTML", function (value, self) {
  return G.HTMLStyleElement && self instanceof G.HTMLStyleElement ? css(value) : html(value);
});
wrapSetter(prototype("ShadowRoot"), "innerHTML", html);
wrapSetter(prototype("Element"), "outerHTML", html);
wrapCall(prototype("Element"), "insertAdjacentHTML", 1, html);
wrapCall(prototype("Range"), "createContextualFragment", 0, html);
["write", "writeln"].forEach(function (name) {
  var native = D[name];
  if (typeof native === "function") D[name] = new Proxy(native, { apply: function (target, self, args) {
    return Reflect.apply(target, self, args.map(html));
  } });
});

// Style sheets that scripts write: Vite sets the text, webpack appends it.
wrapSetter(prototype("Node"), "textContent", function (value, self) {
  return G.HTMLStyleElement && self instanceof G.HTMLStyleElement ? css(value) : value;
});
["appendChild", "insertBefore"].forEach(function (name) {
  wrapCall(prototype("Node"), name, 0, function (node, self) {
    if (G.HTMLStyleElement && self instanceof G.HTMLStyleElement && node && node.nodeType === 3) {
      var fixed = css(node.data);
      if (fixed !== node.data) node.data = fixed;
    }
    return node;
  });
});
["insertRule", "replace", "replaceSync"].forEach(function (name) {
  wrapCall(prototype("CSSStyleSheet"), name, 0, css);
});
wrapCall(prototype("CSSStyleDeclaration"), "setProperty", 1, css);
// Chromium has the single properties (style.backgroundImage) where nobody can wrap them.
["CSSStyleDeclaration", "CSSStyleProperties", "CSS2Properties"].forEach(function (name) {
  ["cssText", "background", "backgroundImage", "listStyleImage", "maskImage", "borderImageSource", "cursor"].forEach(
    function (property) { wrapSetter(prototype(name), property, css); });
});

// A cookie of the page stays with the page: under its prefix, and not on other hosts.
wrapSetter(prototype("Document"), "cookie", function (value) {
  if (typeof value !== "string" || /^\s*__(?:Host|Secure)-/i.test(value)) return value;
  return value.split(";").filter(function (part, index) {
    return !index || !/^\s*domain\s*(?:=|$)/i.test(part);
  }).map(function (part, index) {
    var path = index ? /^\s*path\s*=\s*(\/.*)$/i.exec(part) : null;
    return path && !isPrefixed(path[1]) ? " path=" + B + path[1] : part;
  }).join(";");
});

// location.href, assign and replace cannot be wrapped; where there is a navigation API the navigation itself can.
if (G.navigation && G.navigation.addEventListener) G.navigation.addEventListener("navigate", function (event) {
  if (!event.cancelable || event.hashChange || event.formData || event.downloadRequest != null) return;
  if (event.navigationType !== "push" && event.navigationType !== "replace") return;
  var fixed = http(event.destination.url);
  if (event.destination.sameDocument || fixed === event.destination.url) return;
  event.preventDefault();
  if (event.navigationType === "replace") location.replace(fixed); else location.assign(fixed);
});

// A page that was asked for without a slash at its end got a base from us; one of its own counts instead.
var base = D.querySelector && D.querySelector("base[data-pizzapi-tunnel-base]");
if (base && G.MutationObserver) {
  var observer = new MutationObserver(function () {
    if (D.querySelectorAll("base[href]").length < 2) return;
    base.remove();
    observer.disconnect();
  });
  observer.observe(D, { childList: true, subtree: true });
}

// Dynamic imports with a computed address ask here: the rewriter puts the call around the address.
Object.defineProperty(G, "__pizzapiTunnelUrl", { value: function (value) { return http(String(value)); } });
