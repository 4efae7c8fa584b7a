/** The plant: all of its twins, and the one that is selected. */
import '../styles/schematic.css';
import '../styles/fleet.css';
import type { PageProps } from '../pages';
import { FleetView } from '../views/FleetView';
import { PlantView } from '../views/PlantView';
import { TwinView } from '../views/TwinView';
import { Watching } from '../views/Watching';

export default function Plant({ state, actions }: PageProps) {
  return (
    <Watching state={state} actions={actions}>
      {(trends, now) => (
        <>
          {state.fleet !== null && <FleetView fleet={state.fleet} state={state} actions={actions} />}
          {state.schematic !== null && <PlantView schematic={state.schematic} state={state} actions={actions} />}
          <TwinView state={state} actions={actions} trends={trends} now={now} />
        </>
      )}
    </Watching>
  );
}
