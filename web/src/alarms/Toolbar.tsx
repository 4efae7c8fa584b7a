/** Which alarms are shown, who acknowledges, and whether they sound. */
import { whyNot } from '../access';
import { filterAlarms, isUnseen, SEVERITY_RANK, SHOWS } from '../alarms';
import type { PageProps } from '../pages';
import type { Severity } from '../protocol';
import { Choice } from '../views/Choice';
import { Operator } from './Operator';

const SEVERITIES = Object.keys(SEVERITY_RANK) as Severity[];

export function Toolbar({ state, actions }: PageProps) {
  const { alarmFilter: filter } = state;
  const shown = filterAlarms(state.alarms.values(), filter);
  const unseen = shown.filter(isUnseen);
  const refusal = whyNot(state.access, 'acknowledge');
  return (
    <header class="alarms-tools">
      <div class="alarms-tools-row">
        <h2 id="alarms-title">Alarms</h2>
        <span class={`count ${unseen.length > 0 ? 'count-hot' : ''}`} title="not acknowledged">
          {unseen.length}
        </span>
        <Choice
          name="alarm-show"
          label="Which alarms are shown"
          of={SHOWS}
          chosen={filter.show}
          choose={(show) => actions.filterAlarms({ show })}
        />
        <Operator state={state} actions={actions} />
        <SoundToggle isOn={state.isSounding} use={actions.soundAlarms} />
      </div>
      <div class="alarms-tools-row">
        <input
          type="search"
          class="filter-text"
          placeholder="Twin, alarm or text"
          aria-label="Show only alarms with this in their twin, name or text"
          data-testid="alarm-filter"
          value={filter.text}
          onInput={(event) => actions.filterAlarms({ text: event.currentTarget.value })}
        />
        <select
          class="filter-choice"
          aria-label="The least severity that is shown"
          data-testid="alarm-severity"
          value={filter.severity}
          onChange={(event) => {
            const severity = SEVERITIES.find((known) => known === event.currentTarget.value);
            if (severity !== undefined) actions.filterAlarms({ severity });
          }}
        >
          {SEVERITIES.map((severity) => (
            <option key={severity} value={severity}>
              {severity === 'critical'
                ? 'critical only'
                : severity === 'info'
                  ? 'every severity'
                  : `${severity} and above`}
            </option>
          ))}
        </select>
        {filter.show !== 'shelved' && (
          <button
            type="button"
            class="button"
            data-testid="acknowledge-all"
            disabled={unseen.length === 0 || refusal !== null}
            title={refusal ?? (unseen.length === 0 ? 'All that is shown is acknowledged.' : undefined)}
            onClick={() => {
              for (const { id } of unseen) actions.ask(id, 'acknowledge');
            }}
          >
            Acknowledge {unseen.length > 1 ? `these ${unseen.length}` : 'all shown'}
          </button>
        )}
      </div>
    </header>
  );
}

function SoundToggle({ isOn, use }: { isOn: boolean; use: (isOn: boolean) => void }) {
  return (
    <button
      type="button"
      class="button sound"
      role="switch"
      aria-checked={isOn}
      data-testid="sound"
      title={isOn ? 'New alarms sound; graver ones higher and longer' : 'New alarms are silent'}
      onClick={() => use(!isOn)}
    >
      <svg viewBox="0 0 24 24" width="16" height="16" class="stroked" aria-hidden="true">
        <path
          d={`M4 9.5h3.5L12 5.5v13l-4.5-4H4Z${isOn ? 'M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11' : 'M15.5 9.5l5 5M20.5 9.5l-5 5'}`}
        />
      </svg>
      {isOn ? 'Sound on' : 'Sound off'}
    </button>
  );
}
