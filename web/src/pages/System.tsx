import type { PageProps } from '../pages';
import { Counters } from '../views/Connections';

export default function SystemPage({ state }: PageProps) {
  return (
    <section class="panel" aria-labelledby="system-title">
      <header class="panel-head">
        <h2 id="system-title">Counters of the engine</h2>
      </header>
      <Counters counters={state.counters} />
    </section>
  );
}
