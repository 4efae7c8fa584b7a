import type { PageProps } from '../pages';
import { Alarms } from '../views/Alarms';

export default function AlarmsPage({ state, actions }: PageProps) {
  return <Alarms state={state} actions={actions} />;
}
