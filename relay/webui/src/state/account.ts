/** Who is signed in. Only the relay's own word ends that: being offline never does. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { onRefused } from "../api/refused";
import { ApiError, get, onSignedOut, post } from "../api/rest";
import { closeFeeds } from "../api/sockets";
import { local } from "../lib/storage";
import { isObj, str } from "../transcript/wire";

/** A person's account. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** `none`: no account exists yet, so the first is to be made. `over`: signed out by the relay, not by the person. */
export interface Account {
  readonly state: "loading" | "none" | "out" | "in";
  readonly user?: User;
  readonly over?: boolean;
  /** True when a new account needs the set-up code. */
  readonly setupCode?: boolean;
  /** True when people may make accounts. */
  readonly signup?: boolean;
}

const current = signal<Account>({ state: "loading" });
/** Who was signed in last: while the relay is away the page opens for them, and shows what is to be had. */
const remembered = local<User | null>("user", null, (value) => value === null || (isObj(value) && typeof value.id === "string"));

/** Who is signed in. */
export const account: ReadonlySignal<Account> = current;

/** Find out who is signed in; while the relay cannot be reached it asks again. */
export async function loadAccount(): Promise<void> {
  onSignedOut(signedOut);
  onRefused(signedOut);
  for (let delay = 500; ; delay = Math.min(delay * 2, 5_000)) {
    try {
      const session = await get<unknown>("/api/auth/get-session", { quiet401: true, timeout: 10_000 });
      const user = readUser(session);
      if (user) become(user);
      else leave(await door(), current.peek().state === "in");
      return;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        leave(await door().catch(() => ({ state: "out" as const })), current.peek().state === "in");
        return;
      }
      const user = remembered.peek();
      if (user && current.peek().state === "loading") current.value = { state: "in", user };
      await new Promise((settle) => setTimeout(settle, delay));
    }
  }
}

/** Sign in; rejects with the relay's words. */
export async function signIn(email: string, password: string): Promise<void> {
  const answer = await post<unknown>("/api/auth/sign-in/email", { email, password, rememberMe: true }, { quiet401: true });
  enter(answer);
}

/** Make an account and sign in with it. `code` is the set-up code, where one is needed. */
export async function signUp(name: string, email: string, password: string, code?: string): Promise<void> {
  const body = { name, email, password, ...(code ? { setupCode: code } : {}) };
  enter(await post<unknown>("/api/auth/sign-up/email", body, { quiet401: true }));
}

/** Sign out of this browser. */
export async function signOut(): Promise<void> {
  await post("/api/auth/sign-out", {}, { quiet401: true });
  leave(await door().catch(() => ({ state: "out" as const })), false);
}

/** Note that the relay said the session is over. */
export function signedOut(): void {
  if (current.peek().state !== "in") return;
  leave({ state: "out" }, true);
}

function become(user: User): void {
  remembered.value = user;
  const now = current.peek();
  if (now.state !== "in" || now.user?.id !== user.id) current.value = { state: "in", user };
}

/** Sign out here; `over` when the relay said so and not the person. */
function leave(to: Account, over: boolean): void {
  closeFeeds();
  remembered.value = null;
  current.value = over && to.state === "out" ? { ...to, over: true } : to;
}

function enter(answer: unknown): void {
  const user = readUser(answer);
  if (!user) throw new ApiError(502, "The relay did not say who signed in.");
  become(user);
}

/** Answer what someone who is not signed in finds. */
async function door(): Promise<Account> {
  const status = await get<{ signupEnabled?: boolean; setupCodeRequired?: boolean; accounts?: boolean }>("/api/signup-status");
  const more = { setupCode: status.setupCodeRequired === true, signup: status.signupEnabled !== false };
  return { state: status.accounts === false ? "none" : "out", ...more };
}

function readUser(answer: unknown): User | null {
  if (!isObj(answer) || !isObj(answer.user)) return null;
  const { id, name, email } = answer.user;
  return typeof id === "string" ? { id, name: str(name), email: str(email) } : null;
}
