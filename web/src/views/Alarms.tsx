/** The alarms: first what nobody has acknowledged, newest first, then what is active, then what is over. */
import { whyNot } from '../access';
import { isUnseen } from '../alarms';
import { Operator } from '../alarms/Operator';
import { calmText } from '../alarms/words';
import type { Actions } from '../app';
import { dateTimeText, whenText } from '../format/time';
import type { Alarm, AlarmState, Seconds } from '../protocol';
import { type Asked, plantTime, type State } from '../state';
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
  const refusal = whyNot(state.access, 'acknowledge');
  const today = plantTime(state) ?? 0;
  return (
    <section class="panel alarms" aria-labelledby="alarms-title" data-testid="alarms">
      <header class="panel-head">
        <h2 id="alarms-title">Alarms</h2>
        <span class={`count ${open.length > 0 ? 'count-hot' : ''}`}>{open.length}</span>
        <Operator state={state} actions={actions} />
      </header>
      <p class="unseen" aria-live="assertive">
        {newest === undefined ? '' : `Alarm on ${newest.twin}: ${newest.text}`}
      </p>
      {alarms.length === 0 ? (
        <p class="empty">{calmText(state.link)}</p>
      ) : (
        <ul class="alarm-list">
          {[...open, ...over].map((alarm) => (
            <AlarmRow
              key={alarm.id}
              alarm={alarm}
              request={state.asked.get(alarm.id)}
              today={today}
              refusal={refusal}
              acknowledge={(alarm) => actions.ask(alarm, 'acknowledge')}
            />
          ))}
        </ul>
      )}
    </section>
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
  /** The plant's time, against which others are told. */
  today: Seconds;
  /** Why one may not acknowledge. */
  refusal: string | null;
  acknowledge: (alarm: number) => void;
}

function AlarmRow({ alarm, request, today, refusal, acknowledge }: RowProps) {
  return (
    <li class="alarm" data-testid={`alarm-${alarm.id}`} data-state={alarm.state} data-severity={alarm.severity}>
      <div class="alarm-head">
        <SeverityMark severity={alarm.severity} state={alarm.state} />
        <span class="alarm-severity">{alarm.severity}</span>
        <span class="alarm-state">{STATES[alarm.state]}</span>
        <span class="alarm-place">
          {alarm.twin === '' ? alarm.name : `${alarm.twin} · ${alarm.name.replaceAll('_', ' ')}`}
        </span>
      </div>
      <p class="alarm-text">{alarm.text}</p>
      <div class="alarm-foot">
        <span class="alarm-times" title={dateTimeText(alarm.raised)}>
          raised {whenText(alarm.raised, today)}
          {alarm.returned !== null && `, returned ${whenText(alarm.returned, today)}`}
        </span>
        {alarm.amended !== null && <Amended time={alarm.amended} />}
        {isUnseen(alarm) && (
          <button
            type="button"
            class="button"
            data-testid={`ack-${alarm.id}`}
            disabled={request?.kind === 'sent' || refusal !== null}
            title={refusal ?? undefined}
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
