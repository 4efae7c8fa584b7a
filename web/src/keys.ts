/** The keyboard of the whole dashboard: which key means what, apart from who listens.
 *
 *  `g` and then a letter goes to a page; the others act at once. Keys that are typed into a field are the field's.
 */
import type { PageName } from './route';

export type KeyCommand = { kind: 'go'; page: PageName } | { kind: 'find' } | { kind: 'help' } | { kind: 'close' };

/** What was pressed so far of a command of two keys, and when. */
export interface Chord {
  /** Milliseconds. */
  since: number;
}

export const PAGE_KEYS: Record<string, PageName> = {
  p: 'plant',
  t: 'twin',
  w: 'whatif',
  a: 'alarms',
  c: 'connections',
  s: 'system',
  u: 'audit',
};

/** Whoever thinks for longer than this begins anew. */
const CHORD_MS = 1_500;

/** What `key` does at `now` behind `chord`, and the chord that it leaves. */
export function pressKey(chord: Chord | null, key: string, now: number): [KeyCommand | null, Chord | null] {
  if (chord !== null && now - chord.since <= CHORD_MS) {
    const page = Object.hasOwn(PAGE_KEYS, key) ? PAGE_KEYS[key] : undefined;
    return [page === undefined ? null : { kind: 'go', page }, null];
  }
  switch (key) {
    case 'g':
      return [null, { since: now }];
    case '/':
      return [{ kind: 'find' }, null];
    case '?':
      return [{ kind: 'help' }, null];
    case 'Escape':
      return [{ kind: 'close' }, null];
    default:
      return [null, null];
  }
}

/** Whether a key belongs to what has the focus, or to the browser. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const { target } = event;
  const isField = target instanceof HTMLElement && (target.isContentEditable || FIELDS.includes(target.tagName));
  return isField && event.key !== 'Escape';
}

const FIELDS = ['INPUT', 'TEXTAREA', 'SELECT'];
