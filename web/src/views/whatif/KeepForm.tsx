/** What a search must keep: alarms, and how likely each may be at most. */
import type { Draft } from '../../forecast/draft';
import type { State } from '../../state';
import { NumberInput } from '../NumberInput';
import { TagPicker } from './TagPicker';

interface Props {
  draft: Draft;
  state: State;
  change: (more: Partial<Draft>) => void;
}

const USUAL_PERCENT = 5;

export function KeepForm({ draft, state, change }: Props) {
  const { limits } = draft;
  const alarms = [...state.twins.values()].flatMap((twin) => twin.limits.map(({ alarm }) => `${twin.name}.${alarm}`));
  const allow = (alarm: string, percent: number) => change({ limits: new Map([...limits, [alarm, percent / 100]]) });
  return (
    <fieldset class="case" data-testid="keep">
      <legend>A search keeps these alarms rare</legend>
      {[...limits].map(([alarm, part]) => (
        <div key={alarm} class="keep-row">
          <span>{alarm}</span>
          <NumberInput
            label={`${alarm}, in percent at most`}
            min={0}
            max={100}
            value={part * 100}
            onValue={(percent) => allow(alarm, percent)}
          />
          %
          <button
            type="button"
            class="button"
            aria-label={`Let ${alarm} be as likely as it is`}
            onClick={() => change({ limits: new Map([...limits].filter(([other]) => other !== alarm)) })}
          >
            ×
          </button>
        </div>
      ))}
      <TagPicker
        id="keep"
        label="Keep an alarm rare"
        tags={alarms.filter((alarm) => !limits.has(alarm))}
        pick={(alarm) => allow(alarm, USUAL_PERCENT)}
      />
    </fieldset>
  );
}
