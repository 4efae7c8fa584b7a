/** The rings behind the charts of one twin.
 *
 *  A trend is one chart's plan with a ring that has a column for each of its traces. Rings exist for the selected twin
 *  alone, so memory does not grow with the fleet.
 *
 *  Takes: a twin's channels, then ticks and history.  Gives: trends, in the order of the charts.
 */
import { type Plan, planCharts, type Trace } from './plan';
import type { Command, Reading, Seconds, Series, Tick, Twin, TwinHealth } from './protocol';
import { Ring } from './ring';

/** Columns of equal length. */
export interface Extent {
  time: Seconds[];
  min: number[];
  max: number[];
}

export interface Trend extends Plan {
  ring: Ring;
}

/** Enough for the longest span at the spacing below, with samples of several sensors between the ticks. */
const CAPACITY = 1 << 14;

/** Ticks per chart width that are kept: more than it has pixels. */
const TICKS_PER_SPAN = 4096;

/** Where the values of a trace go. */
interface Feed {
  trend: Trend;
  column: number;
  trace: Trace;
}

export class Trends {
  readonly twin: string;
  readonly all: Trend[];
  /** What readings and the record fill, by tag. */
  private readonly readings = new Map<string, Feed[]>();
  /** What the verdict on the twin fills. */
  private readonly judged: Feed[] = [];
  /** The least and the greatest behind what the record has rolled up, by tag. */
  extents: ReadonlyMap<string, Extent> = new Map();
  /** How far apart the estimates of the record lie; 0 until there is one. */
  recorded: Seconds = 0;
  /** The last tick whose estimates were kept. */
  private lastTick: Seconds = Number.NEGATIVE_INFINITY;

  constructor(twin: Twin) {
    this.twin = twin.name;
    this.all = planCharts(twin.channels).map((plan) => ({
      ...plan,
      ring: new Ring(plan.traces.length + 1, CAPACITY),
    }));
    for (const trend of this.all) {
      trend.traces.forEach((trace, index) => {
        this.connect({ trend, column: index + 1, trace });
      });
    }
  }

  /** The tags that the history is asked for. */
  get tags(): string[] {
    return [...this.readings.keys()];
  }

  /** Add what a tick brought, and estimates that it left as they were: `values` has the newest of all. Ticks closer
   *  together than a pixel of `span` would fill the ring and show nothing. */
  add(tick: Tick, values: Map<string, Reading>, time: Seconds, span: Seconds): void {
    const keep = time - this.lastTick >= span / TICKS_PER_SPAN;
    if (keep) this.lastTick = time;

    for (const [tag, feeds] of this.readings) {
      const reading = values.get(tag);
      if (reading === undefined) continue;
      const isNew = reading.time === null ? keep : tick.values.has(tag);
      if (!isNew) continue;
      for (const feed of feeds) put(feed, reading.time ?? time, reading.value, reading.sd);
    }
    const health = tick.twins.get(this.twin);
    if (health === undefined) return;
    for (const feed of this.judged) {
      // an innovation belongs to its sample; without a new one it is still the last
      const sampled = tick.values.get(feed.trace.tag)?.time ?? null;
      const at = feed.trace.role === 'innovation' ? sampled : keep ? time : null;
      if (at !== null) put(feed, at, judgement(feed.trace, health), null);
    }
  }

  /** Add what the history remembers; rows that are there already stay, and gaps fill. */
  fill(history: Map<string, Series>): void {
    this.extents = new Map([...this.extents, ...extentsOf(history)]);
    for (const [tag, series] of history) {
      if (!series.sd.every(Number.isNaN)) this.recorded = Math.max(this.recorded, usualStep(series.time));
      for (const feed of this.readings.get(tag) ?? []) {
        series.time.forEach((time, row) => {
          put(feed, time, series.value[row] ?? Number.NaN, series.sd[row] ?? Number.NaN);
        });
      }
    }
  }

  /** Add what actuators were told, which the record of values does not have. */
  fillCommands(commands: Iterable<Command>): void {
    for (const { tag, value, state, time, ended } of commands) {
      if (state !== 'done') continue;
      for (const feed of this.readings.get(tag) ?? []) put(feed, ended ?? time, value, null);
    }
  }

  /** Add the limit of the statistic: it is not in the record, and was no other before. */
  fillLimit(health: TwinHealth, time: Seconds): void {
    for (const feed of this.judged) {
      if (feed.trace.role === 'limit') put(feed, time, judgement(feed.trace, health), null);
    }
  }

  /** Whether these are the trends of `twin` as it is now. */
  matches(twin: Twin): boolean {
    return (
      twin.name === this.twin &&
      JSON.stringify(planCharts(twin.channels)) === JSON.stringify(this.all.map(({ ring, ...plan }) => plan))
    );
  }

  /** Plant time went back: what lies ahead of it belongs to another run. */
  clear(): void {
    this.lastTick = Number.NEGATIVE_INFINITY;
    this.extents = new Map();
    for (const trend of this.all) trend.ring.clear();
  }

  /** The oldest time in any ring, or null. */
  get oldest(): Seconds | null {
    const times = this.all.map((trend) => trend.ring.oldest).filter((time) => !Number.isNaN(time));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** The newest time in any ring, or null. */
  get newest(): Seconds | null {
    const times = this.all.map((trend) => trend.ring.newest).filter((time) => !Number.isNaN(time));
    return times.length === 0 ? null : Math.max(...times);
  }

  private connect(feed: Feed): void {
    const { role, tag } = feed.trace;
    const isJudged = role === 'innovation' || role === 'limit' || role === 'statistic';
    if (isJudged) this.judged.push(feed);
    // the statistic is in the record like an estimate; a limit and an innovation are not
    if (isJudged && role !== 'statistic') return;
    this.readings.set(tag, [...(this.readings.get(tag) ?? []), feed]);
  }
}

/** The ring column of the spread that belongs to the estimate `of`; 0, which is time, where there is none. */
export function spreadColumn({ traces }: Plan, of: string): number {
  return traces.findIndex((trace) => trace.role === 'spread' && trace.of === of) + 1;
}

/** The ring column of the estimate `of`; 0, which is time, where there is none. */
export function estimateColumn({ traces }: Plan, of: string): number {
  return traces.findIndex((trace) => trace.role === 'estimate' && trace.of === of) + 1;
}

function extentsOf(history: Map<string, Series>): [string, Extent][] {
  return [...history].flatMap(([tag, { time, min, max }]) => (min.length === 0 ? [] : [[tag, { time, min, max }]]));
}

/** The median distance of `times`; 0 for fewer than two. */
function usualStep(times: Seconds[]): Seconds {
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
}

/** What the verdict says about a trace, NaN for nothing. It says so in every frame, changed or not. */
function judgement({ role, name }: Trace, health: TwinHealth): number {
  if (role === 'limit') return health.nisLimit ?? Number.NaN;
  if (role === 'statistic') return health.nis ?? Number.NaN;
  const { innovation = null, sd = null } = health.sensors.get(name) ?? {};
  return innovation === null || sd === null || sd <= 0 ? Number.NaN : innovation / sd;
}

function put({ trend, column, trace }: Feed, time: Seconds, value: number, sd: number | null): void {
  const shown = trace.role === 'spread' ? (sd ?? Number.NaN) : value;
  if (!Number.isNaN(shown)) trend.ring.put(time, column, shown);
}
