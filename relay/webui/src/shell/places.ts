/** The places of the navigation: those whose pages exist. */
import { ChartNoAxesColumn, Inbox, Server, Settings } from "lucide-preact";
import { hasPage } from "../routes";
import type { Icon } from "../ui";

/** One place. */
export interface Place {
  name: string;
  words: string;
  icon: Icon;
  href: string;
  /** The second key after G. */
  key: string;
}

const ALL: readonly Place[] = [
  { name: "home", words: "Sessions", icon: Inbox, href: "/", key: "s" },
  { name: "runners", words: "Runners", icon: Server, href: "/runners", key: "r" },
  { name: "usage", words: "Usage", icon: ChartNoAxesColumn, href: "/usage", key: "u" },
  { name: "settings", words: "Settings", icon: Settings, href: "/settings", key: "," },
];

/** Answer the places, in order. */
export function places(): readonly Place[] {
  return ALL.filter((place) => place.name === "home" || hasPage(place.name));
}
