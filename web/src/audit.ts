/** The audit trail: who has changed or tried to change what.
 *
 *  Takes: the body of `GET audit`.  Gives: entries, newest first, and where the next page begins.
 */
import { type Field, parseJson } from './decode';
import type { Seconds } from './protocol';

export interface Entry {
  seq: number;
  time: Seconds;
  who: string;
  role: string;
  peer: string;
  action: string;
  target: string;
  outcome: 'done' | 'refused';
  detail: string;
  /** Covers this entry and, by the one before it, all earlier ones. */
  hash: string;
}

export interface Trail {
  entries: Entry[];
  /** Older entries are those before this one; null behind the oldest. */
  next: number | null;
}

export function readTrail(body: string): Trail {
  const trail = parseJson(body);
  return {
    entries: trail.get('entries').list(readEntry),
    next: trail.get('next').or(null, (next) => next.number()),
  };
}

function readEntry(field: Field): Entry {
  const text = (name: string) => field.get(name).or('', (item) => item.text());
  return {
    seq: field.get('seq').number(),
    time: field.get('time').number() / 1e9,
    who: text('who'),
    role: text('role'),
    peer: text('peer'),
    action: text('action'),
    target: text('target'),
    outcome: field.get('outcome').oneOf(['done', 'refused']),
    detail: text('detail'),
    hash: text('hash'),
  };
}

/** Those that have `text` anywhere, whatever its case. */
export function findEntries(entries: Entry[], text: string, outcome: Entry['outcome'] | 'all'): Entry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter(
    (entry) =>
      (outcome === 'all' || entry.outcome === outcome) &&
      [entry.who, entry.role, entry.peer, entry.action, entry.target, entry.detail].some((part) =>
        part.toLowerCase().includes(wanted),
      ),
  );
}
