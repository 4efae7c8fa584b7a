/** What a page asks the server for by itself, for as long as it is open. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { failed, type Load, loading } from '../load';

/** Ask with `fetch` when the page opens, and again whenever `key` changes; what is no longer wanted is called off. */
export function useLoad<T>(fetch: (signal: AbortSignal) => Promise<T>, key: unknown): [Load<T>, reload: () => void] {
  const [load, setLoad] = useState<Load<T>>({ kind: 'none' });
  const [round, setRound] = useState(0);
  const newest = useRef(fetch);
  newest.current = fetch;

  useEffect(() => {
    const caller = new AbortController();
    const { signal } = caller;
    setLoad(loading);
    newest.current(signal).then(
      (value) => !signal.aborted && setLoad({ kind: 'loaded', value }),
      (reason: unknown) => !signal.aborted && setLoad((before) => failed(before, reason)),
    );
    return () => caller.abort();
  }, [key, round]);

  return [load, () => setRound((before) => before + 1)];
}
