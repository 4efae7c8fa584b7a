/** Something that was asked for: its shape while it comes, why it does not, and then what it is. */
import type { ComponentChildren } from 'preact';
import { type Load, newestOf } from '../load';

interface Props<T> {
  load: Load<T>;
  retry: () => void;
  /** How many lines it will be about. */
  lines?: number;
  children: (value: T) => ComponentChildren;
}

export function Loaded<T>({ load, retry, lines = 4, children }: Props<T>) {
  const value = newestOf(load);
  return (
    <>
      {load.kind === 'failed' && <Failed why={load.why} isOld={value !== null} retry={retry} />}
      {value === null && load.kind !== 'failed' && <Skeleton lines={lines} />}
      {value !== null && (
        <div class="loaded" data-old={load.kind === 'failed'}>
          {children(value)}
        </div>
      )}
    </>
  );
}

function Failed({ why, isOld, retry }: { why: string; isOld: boolean; retry: () => void }) {
  return (
    <div class="load-failed" role="alert">
      <span>
        {isOld ? 'This could not be brought up to date' : 'This could not be loaded'}: {why}
      </span>
      <button type="button" class="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function Skeleton({ lines }: { lines: number }) {
  return (
    <div class="skeleton-lines" role="status" aria-busy="true">
      <span class="unseen">Loading.</span>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} class="skeleton skeleton-line" />
      ))}
    </div>
  );
}
