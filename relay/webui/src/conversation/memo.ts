/** Draw a component again only when one of its props is another one. */

import { Component, type FunctionComponent, h, type VNode } from "preact";

function differ(a: object, b: object): boolean {
  const before = a as Record<string, unknown>;
  const after = b as Record<string, unknown>;
  for (const name in before) if (name !== "children" && !(name in after)) return true;
  for (const name in after) if (before[name] !== after[name]) return true;
  return false;
}

/** Wrap a function component. Signals that it reads still draw it again. */
export function memo<Props extends object>(draw: FunctionComponent<Props>): FunctionComponent<Props> {
  class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return differ(this.props, next);
    }
    override render(): VNode<Props> {
      return h<Props>(draw, this.props);
    }
  }
  return Memo as unknown as FunctionComponent<Props>;
}
