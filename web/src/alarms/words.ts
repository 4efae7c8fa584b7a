/** How an alarm stands, in words. */
import type { Link } from '../connection';
import { whenText } from '../format/time';
import type { Alarm, AlarmState } from '../protocol';

const STATES: Record<AlarmState, string> = {
  raised: 'active',
  acknowledged: 'active, acknowledged',
  returned: 'returned, not acknowledged',
  over: 'over',
};

export function stateText({ state, shelved, suppressed }: Alarm): string {
  if (suppressed) return `${STATES[state]}, suppressed`;
  return shelved === null ? STATES[state] : `${STATES[state]}, shelved until ${whenText(shelved, shelved)}`;
}

/** What an empty list says, which is nothing about now while there is no connection. */
export const calmText = (link: Link): string =>
  link.kind === 'offline'
    ? 'No alarm was known when the connection broke. What has happened since is not known here.'
    : 'Nothing is wrong: no alarm is active, and none waits to be acknowledged.';
