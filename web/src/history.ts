/** What was before the page came, and while it was away: the record, the newest values, the alarms that are over. */
import type { Fleet, Listed } from './fleet';
import {
  type Alarm,
  type Newest,
  readAlarms,
  readFleet,
  readHistory,
  readListed,
  readNewest,
  type Seconds,
  type Series,
} from './protocol';
import { get, Refusal, whyOf } from './rest';
import type { History } from './state';
import { type Piece, pointsFor } from './window';

/** A longer list of tags would make an address that servers refuse. */
const TAGS_PER_REQUEST = 40;

/** The status of what the server does not have. */
const NOT_THERE = 404;

/** The record of `tags` over `window`, or over the server's last 15 minutes of plant time. */
export async function loadHistory(
  tags: string[],
  window: Piece | null,
  signal: AbortSignal,
): Promise<Map<string, Series>> {
  const history = new Map<string, Series>();
  for (let first = 0; first < tags.length; first += TAGS_PER_REQUEST) {
    const query = new URLSearchParams({
      tags: tags.slice(first, first + TAGS_PER_REQUEST).join(','),
      points: String(pointsFor(window === null ? 0 : window.to - window.from)),
    });
    if (window !== null) {
      query.set('from', rfc3339(window.from));
      query.set('to', rfc3339(window.to));
    }
    for (const [tag, series] of readHistory(await get(`history?${query}`, signal))) history.set(tag, series);
  }
  return history;
}

/** What is to be said of a record that was asked for and did not come: a server that keeps none has failed at nothing. */
export const missingRecord = (reason: unknown): History =>
  reason instanceof Refusal && reason.status === NOT_THERE ? { kind: 'none' } : { kind: 'failed', why: whyOf(reason) };

/** Where all of what is shown is to be had as a table. */
export function exportAddress(tags: string[], { from, to }: Piece): string {
  const query = {
    tags: tags.join(','),
    from: rfc3339(from),
    to: rfc3339(to),
    points: String(EXPORT_POINTS),
    format: 'csv',
  };
  return `api/v1/history?${new URLSearchParams(query)}`;
}

/** The most that the server gives of a tag. */
const EXPORT_POINTS = 10_000;

export async function loadNewest(twin: string, signal: AbortSignal): Promise<Newest> {
  return readNewest(await get(`twins/${encodeURIComponent(twin)}`, signal));
}

/** How all twins of a fleet fare now; the browser asks for it again only when it has changed. */
export async function loadFleet(signal: AbortSignal): Promise<Fleet> {
  return readFleet(await get('health', signal));
}

/** Twins with `text` in their names, or behind `from` by number. */
export async function loadListed(query: Record<string, string>, signal: AbortSignal): Promise<Listed[]> {
  return readListed(await get(`twins?${new URLSearchParams(query)}`, signal));
}

export async function loadAlarms(limit: number, signal: AbortSignal): Promise<Alarm[]> {
  return readAlarms(await get(`alarms?limit=${limit}`, signal));
}

const rfc3339 = (time: Seconds): string => new Date(time * 1000).toISOString();
