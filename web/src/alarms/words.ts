/** How an alarm stands, in words. */
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
