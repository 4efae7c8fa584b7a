/** Something that is asked of the server once, by a button: whether it is under way, and why it was not done. */
import { useState } from 'preact/hooks';
import { ask, whyOf } from '../rest';

export interface Deed {
  busy: boolean;
  /** Null while nothing was refused. */
  why: string | null;
  ask(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<void>;
}

const PATIENCE_MS = 20_000;

/** `done` is called with the answer's text. */
export function useDeed(done: (answer: string) => void): Deed {
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState<string | null>(null);
  return {
    busy,
    why,
    async ask(method, path, body) {
      setBusy(true);
      setWhy(null);
      try {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        done(await ask(method, path, body === undefined ? { signal } : { body, signal }));
      } catch (reason) {
        setWhy(whyOf(reason));
      }
      setBusy(false);
    },
  };
}
