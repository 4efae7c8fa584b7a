import type { PageProps } from '../pages';
import { plantTime } from '../state';
import { Connections } from '../views/Connections';

export default function ConnectionsPage({ state }: PageProps) {
  return <Connections devices={state.devices} counters={state.counters} now={plantTime(state) ?? 0} />;
}
