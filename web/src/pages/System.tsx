/** How the engine itself fares: its rhythm, what waits, what became of the samples, what runs the programs. */
import '../styles/tables.css';
import '../styles/system.css';
import type { PageProps } from '../pages';
import { Counters, GROUPS } from '../system/Counters';
import { Engine, Programs } from '../system/Engine';
import { ForecastList } from '../system/ForecastList';
import { Rhythm } from '../system/Rhythm';
import { Script } from '../system/Script';
import { Skeleton } from '../views/Loaded';
import { NoConnection } from '../views/Notice';

export default function SystemPage({ state, actions }: PageProps) {
  const { plant, link } = state;
  if (plant === null) {
    if (link.kind === 'offline') return <NoConnection link={link} wall={state.wall} retry={actions.retry} />;
    return (
      <section class="panel">
        <Skeleton lines={8} />
      </section>
    );
  }
  return (
    <div class="system" data-testid="system">
      <Engine plant={plant} state={state} />
      <Rhythm state={state} />
      {GROUPS.map((group) => (
        <Counters key={group.title} group={group} counters={state.counters} />
      ))}
      <Programs plant={plant} />
      <ForecastList isLive={link.kind === 'live'} />
      <Script state={state} />
    </div>
  );
}
