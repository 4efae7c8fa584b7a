/** The plant: all of its twins, and what there is to say of the one that is selected. */
import '../styles/schematic.css';
import '../styles/fleet.css';
import type { PageProps } from '../pages';
import { FleetView } from '../views/FleetView';
import { PlantView } from '../views/PlantView';
import { TwinBrief } from '../views/TwinBrief';
import { TwinView } from '../views/TwinView';
import { Watching } from '../views/Watching';

export default function Plant({ state, actions }: PageProps) {
  const { fleet, schematic } = state;
  return (
    <Watching state={state} actions={actions}>
      {(trends, now) =>
        fleet === null && schematic === null ? (
          <TwinView state={state} actions={actions} trends={trends} now={now} />
        ) : (
          <>
            {fleet !== null && <FleetView fleet={fleet} state={state} actions={actions} />}
            {schematic !== null && <PlantView schematic={schematic} state={state} actions={actions} />}
            <TwinBrief state={state} trends={trends} />
          </>
        )
      }
    </Watching>
  );
}
