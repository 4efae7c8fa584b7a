/** What the engine has counted, in the words of people. */
import { countText } from '../format/value';
import { Skeleton } from '../views/Loaded';

export interface Group {
  title: string;
  /** Names of counters, what they mean, and whether they should stay at zero. */
  counters: [name: string, meaning: string, isTrouble?: boolean][];
}

export const GROUPS: Group[] = [
  {
    title: 'Samples',
    counters: [
      ['samples', 'came'],
      ['used', 'used'],
      ['amended', 'came late and were used'],
      ['late', 'too late to be used', true],
      ['duplicate', 'came twice', true],
      ['future', 'from a clock that is ahead', true],
      ['refused', 'refused', true],
      ['dropped', 'dropped: no room', true],
    ],
  },
  {
    title: 'Time',
    counters: [
      ['ticks', 'ticks'],
      ['overruns', 'ticks that took longer than their step', true],
      ['forecasts_skipped', 'standing forecasts skipped', true],
      ['rewinds', 'rewinds for late samples'],
      ['replayed', 'steps of blocks run again'],
      ['longest_backlog_samples', 'longest backlog, samples'],
    ],
  },
  {
    title: 'Trouble',
    counters: [
      ['quarantined', 'twins standing still: their numbers broke', true],
      ['handler_errors', 'errors of handlers', true],
      ['events_unheard', 'events that no handler had time for', true],
      ['alarms_dropped', 'alarms for which there was no room', true],
      ['history_waits', 'waits for the disk', true],
      ['history_errors', 'errors of the history', true],
    ],
  },
];

export function Counters({ group, counters }: { group: Group; counters: Map<string, number> }) {
  const id = `counters-${group.title}`;
  return (
    <section class="panel" aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{group.title}</h2>
      </header>
      {counters.size === 0 ? (
        <Skeleton lines={4} />
      ) : (
        <table class="grid-table counter-table">
          <tbody>
            {group.counters
              .filter(([name]) => counters.has(name))
              .map(([name, meaning, isTrouble = false]) => (
                <tr
                  key={name}
                  data-testid={`counter-${name}`}
                  data-trouble={isTrouble && (counters.get(name) ?? 0) > 0}
                  title={name}
                >
                  <th scope="row">{meaning}</th>
                  <td class="number">{countText(counters.get(name) ?? 0)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
