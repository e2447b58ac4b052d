/** The key that the page shows for a new runner: made when the page opens, and an unused one is not left behind. */
import { local } from "../../lib/storage";
import { get, post } from "../../api/rest";

/** A key and its id; the key itself is in memory alone. */
export interface FreshKey {
  id: string;
  key: string;
}

interface Listed {
  id: string;
  lastRequest?: string | null;
}

/** The id of the key that was made last time, so that it can go if nobody ever used it. */
const shown = local<string>("connectKey", "", (value) => typeof value === "string");
let present: Promise<FreshKey> | undefined;

/** Answer the key of this visit; the first call makes it. */
export function freshKey(): Promise<FreshKey> {
  present ??= make().catch((error: unknown) => {
    present = undefined;
    throw error;
  });
  return present;
}

/** Forget the key after a runner used it: the next visit makes another. */
export function spendKey(): void {
  present = undefined;
  shown.value = "";
}

async function make(): Promise<FreshKey> {
  await dropUnused().catch(() => undefined);
  const { id, key } = await post<FreshKey>("/api/auth/api-key/create", { name: "runner", prefix: "pk_live_", scope: "runner" });
  shown.value = id;
  return { id, key };
}

async function dropUnused(): Promise<void> {
  const last = shown.peek();
  if (!last) return;
  const keys = await get<readonly Listed[]>("/api/auth/api-key/list");
  if (keys.some((key) => key.id === last && !key.lastRequest)) await post("/api/auth/api-key/delete", { keyId: last });
}
