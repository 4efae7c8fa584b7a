/** Something that a view has asked the server for, in every state that it can be in. */
import { Refusal, whyOf } from './rest';

export type Load<T> =
  | { kind: 'none' }
  /** Under way; `last` is what an earlier answer said. */
  | { kind: 'loading'; last: T | null }
  | { kind: 'loaded'; value: T }
  /** `status` is that of the refusal; null where there was no answer. */
  | { kind: 'failed'; why: string; status: number | null; last: T | null };

/** The newest value there is, however it stands with the next. */
export function newestOf<T>(load: Load<T>): T | null {
  if (load.kind === 'loaded') return load.value;
  return load.kind === 'none' ? null : load.last;
}

export const loading = <T>(before: Load<T>): Load<T> => ({ kind: 'loading', last: newestOf(before) });

export function failed<T>(before: Load<T>, reason: unknown): Load<T> {
  const status = reason instanceof Refusal ? reason.status : null;
  return { kind: 'failed', why: whyOf(reason), status, last: newestOf(before) };
}
