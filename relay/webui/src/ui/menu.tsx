/** Menus: a list of things to do, in the top layer, moved through with the arrow keys. On a phone it is a sheet. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";
import { Ellipsis } from "lucide-preact";
import { Button, IconButton, type ButtonProps, type Icon } from "./button";
import { Keys } from "./kbd";
import { onBack } from "../lib/router";

/** One thing to do; `null` in a list draws a line. */
export interface MenuItem {
  words: ComponentChildren;
  icon?: Icon;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Ticked: the present choice. */
  on?: boolean;
  /** A second, quieter text at the right. */
  note?: ComponentChildren;
  run: () => void;
}

/** Where a menu opens: beside an element, or at a point (a right click, a long press). */
export type Anchor = Element | { x: number; y: number };

/** An open menu. `onClose` gets true when an item was chosen. */
export function Menu({ items, anchor, onClose, label }: { items: readonly (MenuItem | null)[]; anchor: Anchor; onClose: (chose: boolean) => void; label: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const menu = box.current;
    if (!menu) return;
    menu.showPopover();
    place(menu, anchor);
    menu.querySelector<HTMLElement>("[role^=menuitem]:not([aria-disabled])")?.focus();
  }, [anchor]);

  useEffect(() => {
    const away = (event: Event): void => {
      const target = event.target;
      if (target instanceof Node && (box.current?.contains(target) || (anchor instanceof Element && anchor.contains(target)))) return;
      close.current(false);
    };
    const gone = (event: Event): void => {
      if (event.type === "scroll" && event.target instanceof Node && box.current?.contains(event.target)) return;
      close.current(false);
    };
    document.addEventListener("pointerdown", away, true);
    window.addEventListener("resize", gone);
    const off = onBack(() => {
      close.current(false);
      return true;
    });
    return () => {
      document.removeEventListener("pointerdown", away, true);
      window.removeEventListener("resize", gone);
      off();
    };
  }, [anchor]);

  const keys = (event: JSX.TargetedKeyboardEvent<HTMLDivElement>): void => {
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[role^=menuitem]:not([aria-disabled])")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    event.stopPropagation();
    if (to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      onClose(false);
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      const rest = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      rest.find((item) => item.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
  };

  return (
    <div class="menu" popover="manual" ref={box} role="menu" aria-label={label} onKeyDown={keys}>
      {items.map((item, at) =>
        item === null ? (
          <hr key={at} />
        ) : (
          <button
            key={at}
            type="button"
            role={item.on === undefined ? "menuitem" : "menuitemradio"}
            aria-checked={item.on}
            aria-disabled={item.disabled || undefined}
            tabIndex={-1}
            class={`menu-item${item.danger ? " danger" : ""}${item.on ? " on" : ""}`}
            onClick={() => {
              if (item.disabled) return;
              onClose(true);
              item.run();
            }}
          >
            {item.icon && <item.icon size={16} strokeWidth={1.75} aria-hidden="true" />}
            <span class="grow">{item.words}</span>
            {item.note && <span class="meta">{item.note}</span>}
            {item.keys && <Keys keys={item.keys} />}
          </button>
        ),
      )}
    </div>
  );
}

function place(menu: HTMLElement, anchor: Anchor): void {
  const { innerWidth, innerHeight } = window;
  if (innerWidth < 700) return;
  const spot = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const { width, height } = menu.getBoundingClientRect();
  const left = spot.left + width + 8 > innerWidth ? spot.right - width : spot.left;
  const below = spot.bottom + 4;
  const top = below + height + 8 > innerHeight && spot.top - 4 - height > 8 ? spot.top - 4 - height : below;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}

/** Props of MenuButton: a Button, or an icon button when it has only an icon. */
export interface MenuButtonProps extends Omit<ButtonProps, "onClick"> {
  items: readonly (MenuItem | null)[] | (() => readonly (MenuItem | null)[]);
  label: string;
  iconOnly?: boolean;
}

/** A button that opens a menu; without words it is the "More" button. */
export function MenuButton({ items, label, iconOnly, icon, children, ...rest }: MenuButtonProps): JSX.Element {
  const [open, set] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const shared = { "aria-haspopup": "menu" as const, "aria-expanded": open, onClick: () => set(!open), buttonRef: button };
  return (
    <>
      {iconOnly || children === undefined ? (
        <IconButton label={label} icon={icon ?? Ellipsis} small={rest.tiny ?? false} class={rest.class} {...shared} />
      ) : (
        <Button {...rest} {...(icon ? { icon } : {})} {...shared} aria-label={label}>{children}</Button>
      )}
      {open && button.current && (
        <Menu
          items={typeof items === "function" ? items() : items}
          anchor={button.current}
          label={label}
          onClose={(chose) => {
            set(false);
            if (!chose) button.current?.focus();
          }}
        />
      )}
    </>
  );
}
