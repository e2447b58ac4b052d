/** Load something when a part opens, and again when asked. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** What is there so far. */
export interface Loaded<T> {
  value: T | null;
  error: unknown;
  again: () => void;
}

/** Load with `load`, which must be the same function every time. A later answer wins over an earlier one. */
export function useLoad<T>(load: () => Promise<T>): Loaded<T> {
  const [state, set] = useState<{ value: T | null; error: unknown }>({ value: null, error: null });
  const turn = useRef(0);
  const again = useCallback(() => {
    const mine = ++turn.current;
    load().then(
      (value) => { if (mine === turn.current) set({ value, error: null }); },
      (error: unknown) => { if (mine === turn.current) set((before) => ({ value: before.value, error })); },
    );
  }, [load]);
  useEffect(() => {
    again();
    return () => { turn.current += 1; };
  }, [again]);
  return { ...state, again };
}
