/** What a search has found, in words: the values, what they cost, and whether the alarms stay as rare as they must. */
import type { Best } from '../../forecast/result';
import { unitText } from '../../format/unit';
import { numberText } from '../../format/value';
import type { State } from '../../state';

export function bestText({ values, cost, unit, keepsLimits }: Best, { channels }: State): string {
  const chosen = [...values].map(([tag, value]) => `${tag} = ${withUnit(value, channels.get(tag)?.unit ?? '1')}`);
  const worth = `${chosen.join(', ')} for ${withUnit(cost, unit)}`;
  return keepsLimits ? worth : `${worth}; an alarm is likelier than it may be`;
}

const withUnit = (value: number, unit: string): string => `${numberText(value, unit)} ${unitText(unit)}`.trim();
