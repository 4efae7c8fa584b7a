/** The page: header, what stands in the way if anything does, and the view. */
import type { Actions } from '../app';
import { plantTime, type State } from '../state';
import { Banner } from './Banner';
import { FleetView } from './FleetView';
import { Header } from './Header';
import { NoConnection, NoTwins, Opening, Waiting } from './Notice';
import { PlantView } from './PlantView';
import { TwinView } from './TwinView';

interface Props {
  state: State;
  actions: Actions;
}

export function App({ state, actions }: Props) {
  document.title = titleOf(state);
  return (
    <div class="app" data-link={state.link.kind}>
      <Header state={state} actions={actions} />
      <Banner state={state} actions={actions} />
      <main class="content">
        <Content state={state} actions={actions} />
      </main>
    </div>
  );
}

function Content({ state, actions }: Props) {
  const { plant, link, trends } = state;
  if (plant === null) {
    return link.kind === 'offline' ? <NoConnection link={link} wall={state.wall} retry={actions.retry} /> : <Opening />;
  }
  if (trends === null) return <NoTwins plant={plant} />;

  const now = plantTime(state);
  // what was recorded may yet come and give the time
  if (now === null) return state.history.kind === 'loading' ? <Opening /> : <Waiting plant={plant} />;
  return (
    <>
      {state.fleet !== null && <FleetView fleet={state.fleet} state={state} actions={actions} />}
      {state.schematic !== null && <PlantView schematic={state.schematic} state={state} actions={actions} />}
      <TwinView state={state} actions={actions} trends={trends} now={now} />
    </>
  );
}

/** The tab tells of alarms when the page is behind others. */
function titleOf({ plant, alarms }: State): string {
  const waiting = [...alarms.values()].filter((alarm) => alarm.state === 'raised').length;
  return `${waiting > 0 ? `(${waiting}) ` : ''}${plant === null ? '' : `${plant.name} · `}Pollux`;
}
