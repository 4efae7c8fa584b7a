/** The alarms: which there are, and of the chosen one what it was raised on. */
import '../styles/tables.css';
import '../styles/alarms.css';
import { AlarmDetail } from '../alarms/AlarmDetail';
import { AlarmList } from '../alarms/AlarmList';
import { Shelves } from '../alarms/Shelves';
import { Toolbar } from '../alarms/Toolbar';
import type { PageProps } from '../pages';

export default function AlarmsPage({ state, actions }: PageProps) {
  const chosen = state.route.item === null ? null : Number(state.route.item);
  const id = chosen !== null && Number.isSafeInteger(chosen) ? chosen : null;
  return (
    <div class="alarms-page" data-chosen={id !== null}>
      <section class="panel alarms-list" aria-labelledby="alarms-title" data-testid="alarms-page">
        <Toolbar state={state} actions={actions} />
        {state.alarmFilter.show === 'shelved' ? (
          <Shelves state={state} actions={actions} />
        ) : (
          <AlarmList state={state} actions={actions} chosen={id} />
        )}
      </section>
      {id !== null && <AlarmDetail key={id} id={id} state={state} actions={actions} />}
    </div>
  );
}
