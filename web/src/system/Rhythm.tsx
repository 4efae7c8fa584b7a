/** What moves: rates and levels of the last minutes, each with its line. */
import { countText, rateText } from '../format/value';
import { columnOf, type Level, type Rate } from '../pulse';
import type { State } from '../state';
import { Sparkline } from '../views/Sparkline';

/** The name, what it means, how its number is told. */
const PULSES: [Rate | Level, string, (value: number) => string][] = [
  ['ticks', 'ticks/s', rateText],
  ['samples', 'samples/s', rateText],
  ['amended', 'late and used/s', rateText],
  ['replay_ms', 'replaying, ms/s', rateText],
  ['backlog_samples', 'samples waiting', (value) => countText(value)],
  ['backlog_ns', 'behind for', (value) => `${rateText(value / 1e6)} ms`],
];

export function Rhythm({ state }: { state: State }) {
  const { pulse } = state;
  return (
    <section class="panel" aria-labelledby="pulse-title">
      <header class="panel-head">
        <h2 id="pulse-title">Rhythm</h2>
        <span class="panel-note">the last ten minutes at most</span>
      </header>
      <ul class="pulses">
        {PULSES.map(([name, meaning, tell]) => (
          <li key={name} data-testid={`pulse-${name}`}>
            <span class="pulse-name">{meaning}</span>
            <strong>{Number.isNaN(pulse.newest(name)) ? '–' : tell(pulse.newest(name))}</strong>
            <Sparkline ring={pulse.ring} column={columnOf(name)} version={pulse.ring.version} />
          </li>
        ))}
      </ul>
    </section>
  );
}
