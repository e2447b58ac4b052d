/** Wait for a pause in typing. */

/** Begin `work` after `ms` milliseconds; the answer calls it off, before or while it runs, through its signal. */
export function afterPause(ms: number, work: (signal: AbortSignal) => void): () => void {
  const stop = new AbortController();
  const timer = setTimeout(() => work(stop.signal), ms);
  return () => {
    clearTimeout(timer);
    stop.abort();
  };
}
