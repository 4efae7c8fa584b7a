/** The alarms that fit the filter; of all alarms older ones on demand. */
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import { EVERY_ACTIVE, filterAlarms, isHidden, isUnseen, sentenceOf } from '../alarms';
import { whenText } from '../format/time';
import { newestOf } from '../load';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import { type Alarm, readAlarms } from '../protocol';
import { get } from '../rest';
import { hashOf } from '../route';
import type { Asked } from '../state';
import { plantTime, type State } from '../state';
import { SeverityMark } from '../views/icons';
import { Loaded } from '../views/Loaded';
import { memo } from '../views/memo';
import { calmText, stateText } from './words';

interface Props extends PageProps {
  chosen: number | null;
}

export function AlarmList({ state, actions, chosen }: Props) {
  const isAll = state.alarmFilter.show === 'all';
  return isAll ? (
    <Everything state={state} actions={actions} chosen={chosen} />
  ) : (
    <Rows alarms={state.alarms.values()} state={state} actions={actions} chosen={chosen} />
  );
}

const PER_PAGE = 100;

/** What the page was told of, and page by page what was before. */
function Everything({ state, actions, chosen }: Props) {
  const [older, setOlder] = useState<Alarm[]>([]);
  const [before, setBefore] = useState<number | null>(null);
  const [load, reload] = useLoad((signal) => loadPage(before, signal), before);
  const page = newestOf(load) ?? [];
  const known = new Map([...older, ...page, ...state.alarms.values()].map((alarm) => [alarm.id, alarm]));
  const last = page.at(-1)?.id ?? null;

  function showOlder(): void {
    setOlder([...older, ...page]);
    setBefore(last);
  }

  return (
    <>
      <Rows alarms={known.values()} state={state} actions={actions} chosen={chosen} />
      <Loaded load={load} retry={reload} lines={2}>
        {() => null}
      </Loaded>
      <footer class="panel-foot">
        {page.length < PER_PAGE ? (
          <p class="panel-hint">These are all that are kept.</p>
        ) : (
          <button
            type="button"
            class="button"
            data-testid="alarms-older"
            disabled={load.kind === 'loading'}
            onClick={showOlder}
          >
            {load.kind === 'loading' ? 'Loading …' : 'Show older'}
          </button>
        )}
      </footer>
    </>
  );
}

const loadPage = async (before: number | null, signal: AbortSignal): Promise<Alarm[]> =>
  readAlarms(await get(`alarms?limit=${PER_PAGE}${before === null ? '' : `&before=${before}`}`, signal));

function Rows({ alarms, state, actions, chosen }: Props & { alarms: Iterable<Alarm> }) {
  const shown = filterAlarms(alarms, state.alarmFilter);
  const refusal = whyNot(state.access, 'acknowledge');
  const newest = shown.find((alarm) => alarm.state === 'raised');
  const today = plantTime(state) ?? 0;
  return (
    <>
      <p class="unseen" aria-live="assertive">
        {newest === undefined ? '' : `Alarm: ${sentenceOf(newest)}`}
      </p>
      {shown.length === 0 && <Empty state={state} />}
      <ul class="alarm-rows">
        {shown.map((alarm) => (
          <AlarmRow
            key={alarm.id}
            alarm={alarm}
            asked={state.asked.get(alarm.id)}
            isChosen={alarm.id === chosen}
            refusal={refusal}
            when={whenText(alarm.raised, today)}
            ask={actions.ask}
          />
        ))}
      </ul>
    </>
  );
}

function Empty({ state }: { state: State }) {
  const { show, severity, text } = state.alarmFilter;
  const isNarrow = severity !== EVERY_ACTIVE.severity || text !== '';
  if (isNarrow) return <p class="empty">No alarm fits the filter.</p>;
  return (
    <p class="empty" data-testid="no-alarms">
      {show === 'active' ? calmText(state.link) : 'No alarm has been raised so far.'}
    </p>
  );
}

interface RowProps {
  alarm: Alarm;
  asked: Asked | undefined;
  isChosen: boolean;
  refusal: string | null;
  when: string;
  ask: PageProps['actions']['ask'];
}

const AlarmRow = memo(({ alarm, asked, isChosen, refusal, when, ask }: RowProps) => {
  const isSent = asked?.kind === 'sent';
  return (
    <li
      class="alarm-row"
      data-testid={`alarm-${alarm.id}`}
      data-state={alarm.state}
      data-severity={alarm.severity}
      data-hidden={isHidden(alarm)}
    >
      <a class="alarm-link" href={hashOf('alarms', String(alarm.id))} aria-current={isChosen ? 'true' : undefined}>
        <SeverityMark severity={alarm.severity} state={alarm.state} />
        <span class="alarm-what">
          <strong>{alarm.twin === '' ? alarm.name : alarm.twin}</strong>
          <span class="alarm-name">{alarm.twin === '' ? '' : alarm.name.replaceAll('_', ' ')}</span>
        </span>
        <span class="alarm-when">{when}</span>
        <span class="alarm-says">{alarm.text}</span>
        <span class="alarm-state">
          {alarm.severity}, {stateText(alarm)}
          {alarm.comments > 0 && `, ${alarm.comments} comment${alarm.comments > 1 ? 's' : ''}`}
        </span>
      </a>
      {isUnseen(alarm) && (
        <button
          type="button"
          class="button"
          data-testid={`ack-${alarm.id}`}
          disabled={isSent || refusal !== null}
          title={refusal ?? undefined}
          onClick={() => ask(alarm.id, 'acknowledge')}
        >
          {isSent ? '…' : 'Acknowledge'}
        </button>
      )}
      {asked?.kind === 'refused' && (
        <p class="refusal" role="alert">
          Not done: {asked.why}
        </p>
      )}
    </li>
  );
});
