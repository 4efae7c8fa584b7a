/** The newest values of the twin, large, and the verdict on it. */
import { colourOf } from '../charts/palette';
import { markOf } from '../charts/paths';
import { unitText } from '../format/unit';
import { figures, numberText, statistic } from '../format/value';
import type { PlanKind, Trace } from '../plan';
import type { TwinHealth, Verdict } from '../protocol';
import type { State } from '../state';
import type { Trend, Trends } from '../trends';
import { SampleMark } from './icons';

interface Props {
  state: State;
  trends: Trends;
}

export function Values({ state, trends }: Props) {
  const tiles = trends.all.flatMap((trend) => subjectsOf(trend).map((subject) => ({ trend, subject })));
  const cells = tiles.reduce((sum, { trend }) => sum + (isWide(trend) ? 2 : 1), VERDICT_CELLS);
  return (
    <section class="values" aria-label="Newest values" style={`--columns: ${columnsFor(cells)}`}>
      <VerdictTile health={state.health.get(trends.twin)} />
      {tiles.map(({ trend, subject }) => (
        <ValueTile key={subject.tag} trend={trend} subject={subject} state={state} />
      ))}
    </section>
  );
}

const VERDICT_CELLS = 2;

/** As many as there is room for beside each other on a screen. */
const COLUMNS_MOST = 10;

/** Rows of about the same length. */
const columnsFor = (cells: number): number => Math.ceil(cells / Math.ceil(cells / COLUMNS_MOST));

/** Letters of a unit that a tile has room for beside a number. */
const UNIT_ROOM = 5;

const isWide = ({ unit }: Trend): boolean => unitText(unit).length > UNIT_ROOM;

/** What a chart is about: its estimates, or the sensor of something that the twin does not estimate. */
function subjectsOf({ traces }: Trend): Trace[] {
  const estimates = traces.filter((trace) => trace.role === 'estimate');
  return estimates.length > 0 ? estimates : traces.filter((trace) => trace.role === 'measured');
}

const VERDICTS: Record<Verdict, string> = {
  none: 'In step',
  sensor: 'Sensor fault',
  process: 'Process diverged',
  silence: 'Plant is silent',
};

export function headline(health: TwinHealth | undefined): string {
  if (health?.verdict == null) return 'No verdict yet';
  return health.verdict === 'none' && health.quality === 'settling' ? 'Settling' : VERDICTS[health.verdict];
}

/** What to say while nothing is wrong. */
function reassurance(health: TwinHealth | undefined): string {
  if (health?.verdict !== 'none') return '';
  return health.quality === 'settling'
    ? 'The twin is still finding its state: nothing is judged yet.'
    : 'Every sensor agrees with the twin.';
}

function VerdictTile({ health }: { health: TwinHealth | undefined }) {
  const verdict = health?.verdict ?? null;
  return (
    <article class="tile verdict" data-verdict={verdict ?? 'unknown'} data-testid="verdict">
      <h2 class="tile-name">Twin and plant</h2>
      <p class="tile-value">{headline(health)}</p>
      {health !== undefined && health.nis !== null && <NisMeter nis={health.nis} limit={health.nisLimit} />}
      <p class="tile-note" title={health?.cause}>
        {health?.cause || reassurance(health)}
      </p>
    </article>
  );
}

/** How much of the allowed divergence is used up. */
function NisMeter({ nis, limit }: { nis: number; limit: number | null }) {
  const part = limit === null || limit <= 0 ? 0 : Math.min(nis / limit, 1);
  return (
    <div
      class="nis-meter"
      data-over={limit !== null && nis > limit}
      title="How much the tests speak against the twin, and from where on they do"
    >
      <div class="meter-track" aria-hidden="true">
        <div class="meter-fill" style={{ width: `${part * 100}%` }} />
      </div>
      <span>
        divergence <span data-testid="nis">{statistic(nis).value}</span>
        {limit !== null && ` of ${numberText(limit, '1')}`}
      </span>
    </div>
  );
}

const NOTES: Partial<Record<PlanKind, string>> = {
  sensed: 'not measured',
  tracked: 'tracked',
  hidden: 'not measured',
};

function ValueTile({ trend, subject, state }: { trend: Trend; subject: Trace; state: State }) {
  const reading = state.values.get(subject.tag);
  const { value, spread, power } = figures(reading?.value ?? Number.NaN, reading?.sd ?? null, trend.unit);
  const sensors = trend.traces.filter((trace) => trace.role === 'measured' && trace.of === subject.tag);
  return (
    <article
      class="tile"
      data-wide={isWide(trend)}
      data-testid={trend.kind === 'tracked' ? `tracked-${subject.tag}` : undefined}
    >
      <h2 class="tile-name" title={subject.doc}>
        {subject.name}
      </h2>
      <p class="tile-value">
        <span data-testid={`value-${subject.tag}`}>{value}</span>
        <span class="tile-unit">
          {power} {unitText(trend.unit)}
        </span>
      </p>
      <p class="tile-spread">{spread === '' ? '\u00a0' : `${spread}${power}`}</p>
      {sensors.length > 0 && subject.role === 'estimate' ? (
        <ul class="tile-sensors">
          {sensors.map((trace) => (
            <SensorValue
              key={trace.tag}
              trace={trace}
              value={state.values.get(trace.tag)?.value ?? Number.NaN}
              unit={trend.unit}
            />
          ))}
        </ul>
      ) : (
        <p class="tile-note">{subject.role === 'measured' ? 'measured' : NOTES[trend.kind]}</p>
      )}
    </article>
  );
}

function SensorValue({ trace, value, unit }: { trace: Trace; value: number; unit: string }) {
  return (
    <li title={trace.doc}>
      <SampleMark mark={markOf(trace.mark)} colour={colourOf(trace)} />
      {trace.name} <span data-testid={`value-${trace.tag}`}>{numberText(value, unit)}</span>
    </li>
  );
}
