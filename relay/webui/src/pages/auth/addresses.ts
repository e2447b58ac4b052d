/** Under which addresses another machine may reach this relay. */
import { get } from "../../api/rest";

/** What the relay knows about itself: addresses with scheme and port, and whether other machines reach it at all. */
export interface Reach {
  addresses: readonly string[];
  /** The relay listens on this machine alone. */
  onlyHere: boolean;
}

/** Answer where the relay can be reached, the address of this page first unless it is this machine's own name. */
export async function reach(): Promise<Reach> {
  const mine = location.origin;
  try {
    const { addresses, local } = await get<{ addresses: string[]; local: boolean }>("/api/addresses");
    const all = isLoopback(mine) ? [...addresses, mine] : [mine, ...addresses];
    return { addresses: [...new Set(all)], onlyHere: local };
  } catch {
    return { addresses: [mine], onlyHere: false };
  }
}

/** Whether an address means the machine that uses it. */
export function isLoopback(address: string): boolean {
  try {
    const { hostname } = new URL(address);
    return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || hostname.startsWith("127.");
  } catch {
    return false;
  }
}

/** The address as the client wants it: ws or wss, without a slash at the end. Null for what is no address. */
export function socketAddress(address: string): string | null {
  const text = address.trim();
  const full = /^[a-z]+:\/\//i.test(text) ? text : `${location.protocol}//${text}`;
  try {
    const url = new URL(full);
    const secure = url.protocol === "https:" || url.protocol === "wss:";
    if (!secure && url.protocol !== "http:" && url.protocol !== "ws:") return null;
    if (!url.hostname) return null;
    return `${secure ? "wss" : "ws"}://${url.host}${url.pathname.replace(/\/+$/, "")}`;
  } catch {
    return null;
  }
}
