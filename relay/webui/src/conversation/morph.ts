/** Make one tree of nodes look like another and touch only what differs, so a selection in growing text stays. */

function sameKind(a: Node, b: Node): boolean {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function attributes(have: Element, want: Element): void {
  for (const { name } of [...have.attributes]) if (!want.hasAttribute(name)) have.removeAttribute(name);
  for (const { name, value } of want.attributes) if (have.getAttribute(name) !== value) have.setAttribute(name, value);
}

/** Change the children of `into` to those of `from`, which is used up. */
export function morph(into: Node, from: Node): void {
  let have = into.firstChild;
  let want = from.firstChild;
  while (want) {
    const next: ChildNode | null = want.nextSibling;
    if (!have) {
      into.appendChild(want);
    } else if (!sameKind(have, want)) {
      const gone: ChildNode = have;
      have = have.nextSibling;
      gone.replaceWith(want);
    } else {
      if (have instanceof Text && want instanceof Text) text(have, want.data);
      else if (have instanceof Element && want instanceof Element) {
        attributes(have, want);
        morph(have, want);
      }
      have = have.nextSibling;
    }
    want = next;
  }
  while (have) {
    const gone: ChildNode = have;
    have = have.nextSibling;
    gone.remove();
  }
}

function text(have: Text, data: string): void {
  if (have.data === data) return;
  if (data.startsWith(have.data)) have.appendData(data.slice(have.data.length));
  else have.data = data;
}
