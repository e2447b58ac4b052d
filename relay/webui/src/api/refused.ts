/** Judge why the relay refused a namespace: only its own word that the session is over signs a person out. */

import { ApiError, get } from "./rest";

let over: () => void = () => undefined;

/** Name who is to hear that the session is over. */
export function onRefused(hear: () => void): void {
  over = hear;
}

/**
 * Answer whether a CONNECT_ERROR means that this browser is signed out, after asking the relay itself.
 *
 * `unauthorized` is also what a relay says whose database was busy (1.2, 6), so `get-session` has the last word.
 */
export async function refused(error: Error): Promise<boolean> {
  if (error.message !== "unauthorized") return false;
  try {
    const session = await get<object | null>("/api/auth/get-session", { quiet401: true });
    if (session !== null) return false;
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.status !== 401) return false;
  }
  over();
  return true;
}
