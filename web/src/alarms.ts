/** Which alarms matter most, and which are shown. */
import type { Alarm, Severity } from './protocol';

export const SEVERITY_RANK: Record<Severity, number> = { critical: 3, major: 2, warning: 1, info: 0 };

/** Whether its condition holds. */
export const isActive = ({ state }: Alarm): boolean => state === 'raised' || state === 'acknowledged';

/** Whether nobody has said yet that they have seen it. */
export const isUnseen = ({ state }: Alarm): boolean => state === 'raised' || state === 'returned';

/** The gravest first, then the newest. */
export const byGravity = (a: Alarm, b: Alarm): number =>
  SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] || b.raised - a.raised;

/** The gravest alarm of a twin that is still active. */
export function worstAlarm(alarms: Iterable<Alarm>, twin: string): Alarm | null {
  return [...alarms].filter((alarm) => alarm.twin === twin && isActive(alarm)).sort(byGravity)[0] ?? null;
}
