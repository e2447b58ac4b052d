/** Call the relay over HTTP: JSON, the cookie of this browser, a time limit, and errors in the relay's own words. */

const TIMEOUT_MS = 30_000;

/** What a call may say besides path and body. */
export interface CallOptions {
  /** Milliseconds to wait for the answer; 30,000 by default. */
  timeout?: number;
  signal?: AbortSignal;
  /** Leave a 401 to the caller: it then does not mean that the session is over. */
  quiet401?: boolean;
}

/** Say why a call failed. `status` is 0 when no answer came: no network, or the time was up. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }

  /** Answer whether the relay did not answer at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

let over: () => void = () => undefined;

/** Name who is to hear that the relay does not know this browser any more (a 401). */
export function onSignedOut(hear: () => void): void {
  over = hear;
}

/** Answer `GET path`. */
export function get<T>(path: string, options?: CallOptions): Promise<T> {
  return call<T>("GET", path, undefined, options);
}

/** Answer `POST path` with a JSON body, none when undefined. */
export function post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T> {
  return call<T>("POST", path, body, options);
}

/** Answer `PUT path`. */
export function put<T>(path: string, body?: unknown, options?: CallOptions): Promise<T> {
  return call<T>("PUT", path, body, options);
}

/** Answer `PATCH path`. */
export function patch<T>(path: string, body?: unknown, options?: CallOptions): Promise<T> {
  return call<T>("PATCH", path, body, options);
}

/** Answer `DELETE path`. */
export function del<T>(path: string, body?: unknown, options?: CallOptions): Promise<T> {
  return call<T>("DELETE", path, body, options);
}

/** Write a path segment. */
export function seg(text: string): string {
  return encodeURIComponent(text);
}

async function call<T>(method: string, path: string, body: unknown, options: CallOptions = {}): Promise<T> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), options.timeout ?? TIMEOUT_MS);
  const abort = (): void => clock.abort();
  options.signal?.addEventListener("abort", abort);
  try {
    const answer = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? { Accept: "application/json" } : JSON_HEADERS,
      signal: clock.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw refusal(answer.status, text, options);
    return parse(text) as T;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (options.signal?.aborted) throw new ApiError(0, "Stopped.", "ABORTED");
    if (clock.signal.aborted) throw new ApiError(0, "The relay did not answer in time.", "TIMEOUT");
    throw new ApiError(0, "The relay cannot be reached.", "OFFLINE");
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}

const JSON_HEADERS = { Accept: "application/json", "Content-Type": "application/json" };

function parse(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(502, "Something between here and the relay answered in its place.", "NOT_JSON");
  }
}

/** Read a refusal: `{error}` of the relay, `{message, code}` of the sign-in area, or plain text. */
export function refusal(status: number, text: string, options: CallOptions = {}): ApiError {
  if (status === 401 && !options.quiet401) over();
  let said: { error?: unknown; message?: unknown; code?: unknown } = {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) said = value;
  } catch {
    if (text.length < 200 && !text.includes("<")) said = { error: text.trim() };
  }
  const words = [said.error, said.message].find((entry): entry is string => typeof entry === "string" && entry !== "");
  return new ApiError(status, words ?? wordsFor(status), typeof said.code === "string" ? said.code : undefined);
}

function wordsFor(status: number): string {
  if (status === 401) return "You were signed out.";
  if (status === 403) return "This account may not do that.";
  if (status === 404) return "This is not here any more.";
  if (status === 413) return "This is too large.";
  if (status === 429) return "Too many tries. Wait a minute and try again.";
  return status >= 500 ? `The relay could not do this (${status}).` : `The relay refused this (${status}).`;
}
