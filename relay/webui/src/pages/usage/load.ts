/** Ask runners what they used. */
import { useEffect, useState } from "preact/hooks";
import { get, seg } from "../../api/rest";
import { type Range, RANGES, readUsage, type Usage } from "./data";

/** What came of asking one runner. */
export interface Loaded {
  usage: Usage | undefined;
  error: unknown;
}

/** Answer what each of some runners used; asked again when range or runners change. */
export function useUsage(ids: readonly string[], range: Range): { by: ReadonlyMap<string, Loaded>; again: () => void } {
  const [by, setBy] = useState<ReadonlyMap<string, Loaded>>(new Map());
  const [turn, setTurn] = useState(0);
  const key = ids.join(" ");
  useEffect(() => {
    const stop = new AbortController();
    setBy(new Map());
    for (const id of ids) {
      get<unknown>(`/api/runners/${seg(id)}/usage?range=${range}`, { signal: stop.signal, timeout: 35_000 }).then(
        (answer) => setBy((known) => new Map(known).set(id, { usage: readUsage(answer), error: null })),
        (error: unknown) => {
          if (!stop.signal.aborted) setBy((known) => new Map(known).set(id, { usage: undefined, error }));
        },
      );
    }
    return () => stop.abort();
  }, [key, range, turn]);
  return { by, again: () => setTurn((times) => times + 1) };
}

/** Read the range from the address; 30 days without one. */
export function rangeOf(query: URLSearchParams): Range {
  return RANGES.find(({ value }) => value === query.get("range"))?.value ?? "30d";
}
