/** The alarms: first what nobody has acknowledged, newest first, then what is active, then what is over. */
import type { Actions } from '../app';
import { dateTimeText, timeText } from '../format/time';
import type { Alarm, AlarmState, Seconds } from '../protocol';
import type { Asked, State } from '../state';
import { SeverityMark } from './icons';

interface Props {
  state: State;
  actions: Actions;
}

const STATES: Record<AlarmState, string> = {
  raised: 'active',
  acknowledged: 'active, acknowledged',
  returned: 'returned',
  over: 'over',
};

const ORDER: Record<AlarmState, number> = { raised: 0, returned: 1, acknowledged: 2, over: 3 };

/** More would push the rest of the page away; the list scrolls. */
const OVER_SHOWN = 20;

export function Alarms({ state, actions }: Props) {
  const alarms = [...state.alarms.values()].sort((a, b) => ORDER[a.state] - ORDER[b.state] || b.raised - a.raised);
  const open = alarms.filter((alarm) => alarm.state !== 'over');
  const over = alarms.filter((alarm) => alarm.state === 'over').slice(0, OVER_SHOWN);
  const newest = open.find((alarm) => alarm.state === 'raised');
  return (
    <section class="panel alarms" aria-labelledby="alarms-title" data-testid="alarms">
      <header class="panel-head">
        <h2 id="alarms-title">Alarms</h2>
        <span class={`count ${open.length > 0 ? 'count-hot' : ''}`}>{open.length}</span>
        <Operator name={state.operator} rename={actions.nameOperator} />
      </header>
      <p class="unseen" aria-live="assertive">
        {newest === undefined ? '' : `Alarm on ${newest.twin}: ${newest.text}`}
      </p>
      {alarms.length === 0 ? (
        <p class="empty">No alarms. Twin and plant agree.</p>
      ) : (
        <ul class="alarm-list">
          {[...open, ...over].map((alarm) => (
            <AlarmRow
              key={alarm.id}
              alarm={alarm}
              request={state.asked.get(alarm.id)}
              acknowledge={(alarm) => actions.ask(alarm, 'acknowledge')}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function Operator({ name, rename }: { name: string; rename: Actions['nameOperator'] }) {
  return (
    <label class="operator" title="Acknowledgements are recorded under this name">
      <span>as</span>
      <input
        value={name}
        placeholder="dashboard"
        maxLength={40}
        autocomplete="off"
        aria-label="Your name, for acknowledgements"
        onInput={(event) => rename(event.currentTarget.value)}
      />
    </label>
  );
}

/** Its times are not those that were told first. */
function Amended({ time }: { time: Seconds }) {
  return (
    <span class="alarm-amended" title={`Samples that came late changed its times at ${dateTimeText(time)}`}>
      amended
    </span>
  );
}

interface RowProps {
  alarm: Alarm;
  request: Asked | undefined;
  acknowledge: (alarm: number) => void;
}

function AlarmRow({ alarm, request, acknowledge }: RowProps) {
  const isOpen = alarm.state === 'raised' || alarm.state === 'returned';
  return (
    <li class="alarm" data-testid={`alarm-${alarm.id}`} data-state={alarm.state} data-severity={alarm.severity}>
      <div class="alarm-head">
        <SeverityMark severity={alarm.severity} state={alarm.state} />
        <span class="alarm-severity">{alarm.severity}</span>
        <span class="alarm-state">{STATES[alarm.state]}</span>
        <span class="alarm-place">{alarm.twin === '' ? alarm.name : `${alarm.twin} · ${alarm.name}`}</span>
      </div>
      <p class="alarm-text">{alarm.text}</p>
      <div class="alarm-foot">
        <span class="alarm-times" title={dateTimeText(alarm.raised)}>
          raised {timeText(alarm.raised)}
          {alarm.returned !== null && `, returned ${timeText(alarm.returned)}`}
        </span>
        {alarm.amended !== null && <Amended time={alarm.amended} />}
        {isOpen && (
          <button
            type="button"
            class="button"
            data-testid={`ack-${alarm.id}`}
            disabled={request?.kind === 'sent'}
            onClick={() => acknowledge(alarm.id)}
          >
            {request?.kind === 'sent' ? 'Acknowledging …' : 'Acknowledge'}
          </button>
        )}
      </div>
      {request?.kind === 'refused' && (
        <p class="refusal" role="alert">
          Not acknowledged: {request.why}
        </p>
      )}
    </li>
  );
}
