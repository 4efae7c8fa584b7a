/** One chart with its name and a legend that reads the values under the cursor, or the newest. */
import { Component, createRef } from 'preact';
import { colourOf } from '../charts/palette';
import { markOf } from '../charts/paths';
import { createPlot, type Picture, type Plot } from '../charts/plot';
import { unitText } from '../format/unit';
import { type Figures, figures, sigmas, statistic } from '../format/value';
import type { PlanKind, Trace } from '../plan';
import type { Seconds } from '../protocol';
import { spreadColumn, type Trend } from '../trends';
import { type Piece, stretched } from '../window';
import { SampleMark } from './icons';

interface Props {
  trend: Trend;
  height: number;
  picture: Picture;
  /** Stands on a chart that has nothing to show; empty where it has. */
  note?: string;
  cursor: Seconds | null;
  onCursor: (time: Seconds | null) => void;
  /** A piece of time was drawn out, or asked for by key; null where the time is not to be chosen. */
  onPiece: ((piece: Piece) => void) | null;
}

/** An arrow key moves the cursor by this part of the width. */
const KEY_STEPS: Record<string, number> = { ArrowLeft: -0.01, ArrowRight: 0.01, PageDown: -0.1, PageUp: 0.1 };

const KEY_ZOOMS: Record<string, number> = { '+': 0.5, '=': 0.5, '-': 2 };

export class Chart extends Component<Props> {
  private readonly host = createRef<HTMLDivElement>();
  private plot: Plot | null = null;
  private readonly sizes = new ResizeObserver(([entry]) => {
    if (entry !== undefined) this.plot?.resize(Math.floor(entry.contentRect.width));
  });

  override componentDidMount(): void {
    const host = this.host.current;
    if (host === null) return;
    this.begin(host);
    this.sizes.observe(host);
  }

  override componentDidUpdate(before: Props): void {
    const host = this.host.current;
    // rings of another piece of time: a plot has its ring for life
    if (before.trend !== this.props.trend && host !== null) this.begin(host);
    this.plot?.draw(this.props.picture, this.props.cursor);
  }

  override componentWillUnmount(): void {
    this.sizes.disconnect();
    this.plot?.destroy();
  }

  private begin(host: HTMLDivElement): void {
    this.plot?.destroy();
    this.plot = createPlot(host, this.props.trend, this.props.height, {
      onCursor: (time) => this.props.onCursor(time),
      onPiece: this.props.onPiece,
    });
    this.plot.draw(this.props.picture, this.props.cursor);
  }

  override render({ trend, cursor, height, picture, note = '' }: Props) {
    // an estimate, then its sensors, whatever is drawn first
    const shown = trend.traces.filter((trace) => trace.role !== 'spread');
    const subjects = [...new Set(shown.filter((trace) => trace.role !== 'measured').map((trace) => trace.of))];
    const rank = (trace: Trace) => subjects.indexOf(trace.of) + (trace.role === 'measured' ? 0.5 : 0);
    const entries = shown.sort((a, b) => rank(a) - rank(b));
    return (
      <figure class={`chart chart-${trend.kind}`} data-testid={`chart-${trend.id}`}>
        <figcaption>
          <h3 title={trend.doc}>
            {trend.name}
            <span class="chart-unit">{unitText(trend.unit)}</span>
          </h3>
          <span class="chart-doc">{trend.doc}</span>
          <ul class="legend">
            {entries.map((trace) => (
              <LegendEntry
                key={`${trace.role} ${trace.tag}`}
                trend={trend}
                trace={trace}
                cursor={cursor}
                gap={picture.gap}
              />
            ))}
          </ul>
        </figcaption>
        <div
          ref={this.host}
          class="plot"
          role="img"
          aria-label={`Chart of ${trend.name}. Arrow keys move the cursor; the values are in the legend.`}
          style={{ height: `${height}px` }}
          data-from={picture.from}
          data-to={picture.to}
          tabIndex={trend.kind === 'held' ? -1 : 0}
          onKeyDown={(event) => this.onKey(event)}
          onBlur={() => this.props.onCursor(null)}
        />
        {note !== '' && <p class="chart-note">{note}</p>}
      </figure>
    );
  }

  private onKey(event: KeyboardEvent): void {
    const { picture, cursor, onCursor, onPiece } = this.props;
    const factor = KEY_ZOOMS[event.key];
    if (factor !== undefined && onPiece !== null) {
      event.preventDefault();
      onPiece(stretched({ from: picture.from, to: picture.now }, factor, picture.now));
      return;
    }
    const step = KEY_STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const moved = (cursor ?? picture.to) + step * (picture.to - picture.from);
    onCursor(Math.min(Math.max(moved, picture.from), picture.to));
  }
}

interface EntryProps {
  trend: Trend;
  trace: Trace;
  cursor: Seconds | null;
  gap: Seconds;
}

function LegendEntry({ trend, trace, cursor, gap }: EntryProps) {
  const [number, sd] = readAt(trend, trace, cursor, gap);
  const { value, spread, power } = READERS[trend.kind]?.(number) ?? figures(number, sd, trend.unit);
  const colour = colourOf(trace);
  return (
    <li title={trace.doc}>
      {trace.role === 'measured' || trace.role === 'innovation' ? (
        <SampleMark mark={markOf(trace.mark)} colour={colour} />
      ) : (
        <span class={`swatch swatch-${trace.role}`} style={{ color: colour }} aria-hidden="true" />
      )}
      <span class="legend-name">{nameOf(trend, trace)}</span>
      <span class="legend-value">
        {value}
        {spread === '' ? '' : ` ${spread}`}
        {power}
      </span>
    </li>
  );
}

/** Charts whose numbers are not quantities. */
const READERS: Partial<Record<PlanKind, (value: number) => Figures>> = { innovation: sigmas, divergence: statistic };

/** Nothing where the chart's own name says it. */
function nameOf({ kind, name }: Trend, trace: Trace): string {
  if (trace.role === 'limit') return 'limit';
  return trace.name === name || kind === 'divergence' ? '' : trace.name;
}

/** The value of a trace with its standard deviation: the newest, or the one under the cursor if there is one near. */
function readAt(trend: Trend, trace: Trace, cursor: Seconds | null, gap: Seconds): [number, number | null] {
  const { ring } = trend;
  const column = trend.traces.indexOf(trace) + 1;
  const newest = cursor === null;
  const row =
    newest || trace.role === 'held' ? ring.before(cursor ?? ring.newest, column) : ring.nearest(cursor, column);
  if (row < 0) return [Number.NaN, null];
  // a switch and a limit hold until the next value; an estimate and a sample do not
  const holds = newest || trace.role === 'held' || trace.role === 'limit';
  if (!holds && Math.abs(ring.at(0, row) - cursor) > gap) return [Number.NaN, null];

  const spread = trace.role === 'estimate' ? spreadColumn(trend, trace.of) : 0;
  return [ring.at(column, row), spread === 0 ? null : ring.at(spread, row)];
}
