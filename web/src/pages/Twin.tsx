/** One twin by itself. */
import type { PageProps } from '../pages';
import { TwinView } from '../views/TwinView';
import { Watching } from '../views/Watching';

export default function Twin({ state, actions }: PageProps) {
  return (
    <Watching state={state} actions={actions}>
      {(trends, now) => <TwinView state={state} actions={actions} trends={trends} now={now} />}
    </Watching>
  );
}
