/** One twin by itself. */
import type { PageProps } from '../pages';
import { missingTwin } from '../state';
import { NoSuchTwin } from '../views/Notice';
import { TwinView } from '../views/TwinView';
import { Watching } from '../views/Watching';

export default function Twin({ state, actions }: PageProps) {
  const missing = missingTwin(state);
  if (missing !== null && state.plant !== null) return <NoSuchTwin name={missing} plant={state.plant} />;
  return (
    <Watching state={state} actions={actions}>
      {(trends, now) => <TwinView state={state} actions={actions} trends={trends} now={now} />}
    </Watching>
  );
}
