/** Which alarms matter most, and which are shown. */
import type { Right } from './access';
import type { Alarm, Deed, Severity } from './protocol';

export const SEVERITY_RANK: Record<Severity, number> = { critical: 3, major: 2, warning: 1, info: 0 };

/** Whether its condition holds. */
export const isActive = ({ state }: Alarm): boolean => state === 'raised' || state === 'acknowledged';

/** Whether nobody has said yet that they have seen it. */
export const isUnseen = ({ state }: Alarm): boolean => state === 'raised' || state === 'returned';

/** Its text with its twin, which many texts begin with. */
export const sentenceOf = ({ twin, text }: Alarm): string =>
  twin === '' || text.startsWith(twin) ? text : `${twin}: ${text}`;

/** The gravest first, then the newest. */
export const byGravity = (a: Alarm, b: Alarm): number =>
  SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] || b.raised - a.raised;

/** The gravest alarm of a twin that is still active. */
export function worstAlarm(alarms: Iterable<Alarm>, twin: string): Alarm | null {
  return [...alarms].filter((alarm) => alarm.twin === twin && isActive(alarm)).sort(byGravity)[0] ?? null;
}

/** Which alarms are wanted: those that are active or wait to be acknowledged, all, or those that nobody wants to hear of. */
export const SHOWS = ['active', 'all', 'shelved'] as const;

export type Show = (typeof SHOWS)[number];

export interface AlarmFilter {
  show: Show;
  /** The least that is shown. */
  severity: Severity;
  /** A part of the twin's or the alarm's name or of its text. */
  text: string;
}

export const EVERY_ACTIVE: AlarmFilter = { show: 'active', severity: 'info', text: '' };

/** Whether somebody has said that they do not want to hear of it. */
export const isHidden = ({ shelved, suppressed }: Alarm): boolean => shelved !== null || suppressed;

/** Those of `alarms` that are wanted: first what is active and not acknowledged, then what has
 *  returned and is not, then the rest, each by gravity. */
export function filterAlarms(alarms: Iterable<Alarm>, { show, severity, text }: AlarmFilter): Alarm[] {
  const wanted = text.trim().toLowerCase();
  const isShown: Record<Show, (alarm: Alarm) => boolean> = {
    active: (alarm) => alarm.state !== 'over' && !isHidden(alarm),
    all: () => true,
    shelved: (alarm) => alarm.state !== 'over' && isHidden(alarm),
  };
  const shown = [...alarms].filter(
    (alarm) =>
      isShown[show](alarm) &&
      SEVERITY_RANK[alarm.severity] >= SEVERITY_RANK[severity] &&
      `${alarm.twin} ${alarm.name} ${alarm.text}`.toLowerCase().includes(wanted),
  );
  return shown.sort(show === 'all' ? (a, b) => b.raised - a.raised || b.id - a.id : byUrgency);
}

const URGENCY: Record<Alarm['state'], number> = { raised: 3, returned: 2, acknowledged: 1, over: 0 };

const byUrgency = (a: Alarm, b: Alarm): number => URGENCY[b.state] - URGENCY[a.state] || byGravity(a, b);

/** Why `deed` cannot be done about an alarm as it stands; null where it can. */
export function whyUndoable(alarm: Alarm, deed: Deed): string | null {
  switch (deed) {
    case 'acknowledge':
      return isUnseen(alarm) ? null : 'It is acknowledged.';
    case 'shelve':
      return alarm.suppressed ? 'It is suppressed until further notice.' : null;
    case 'unshelve':
      return alarm.shelved === null ? 'It is not shelved.' : null;
    case 'suppress':
      return alarm.suppressed ? 'It is suppressed.' : null;
    case 'unsuppress':
      return alarm.suppressed ? null : 'It is not suppressed.';
    case 'comment':
      return null;
    default:
      return deed satisfies never;
  }
}

/** What one must be allowed to do for it. */
export const rightFor = (deed: Deed): Right =>
  deed === 'suppress' || deed === 'unsuppress' ? 'configure' : 'acknowledge';
