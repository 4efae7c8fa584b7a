/** One chart: a uPlot that draws a trend's ring, and nothing when nothing has changed.
 *
 *  Scales are set here on every draw and never found by uPlot, which would take NaN for a value.
 *
 *  Takes: an element, a trend, the window to show.  Gives: a drawn chart; tells where its cursor stands.
 */
import uPlot from 'uplot';
import type { FanAhead } from '../forecast/ahead';
import { axisText } from '../format/time';
import type { Trace } from '../plan';
import type { Seconds } from '../protocol';
import type { Extent, Trend } from '../trends';
import { type Piece, pieceOf } from '../window';
import { hueOf, type Palette, readPalette } from './palette';
import { bands, level, line, markOf, marks, steps } from './paths';
import { rangeOf } from './range';
import { askTurn, giveUpTurn } from './turns';
import { drawUnderlay } from './underlay';

export interface Picture {
  from: Seconds;
  to: Seconds;
  /** A longer pause between two estimates is a gap. */
  gap: Seconds;
  /** When plant and twin were apart. */
  shades: Shade[];
  /** Where alarms begin, by tag. */
  limits: Line[];
  /** What lies behind values that the record has rolled up. */
  extents: ReadonlyMap<string, Extent>;
  fan: FanAhead | null;
  /** Where what is known ends and what is expected begins. */
  now: Seconds;
  theme: string;
}

/** Where something begins, on the chart of this tag. */
export interface Line {
  tag: string;
  limit: number;
}

export interface Shade {
  from: Seconds;
  to: Seconds;
}

export interface Plot {
  /** `cursor` is a plant time, or null while no chart has the cursor. */
  draw(picture: Picture, cursor: Seconds | null): void;
  resize(width: number): void;
  destroy(): void;
}

/** uPlot's own place for a cursor that is not shown. */
const HIDDEN = -10;

/** A mouse that is dragged less far has clicked. */
const DRAG = 8;

const AXIS_WIDTH = 54;
const AXIS_HEIGHT = 24;
const DAY: Seconds = 86_400;
const TIME_STEPS: Seconds[] = [
  1,
  2,
  5,
  10,
  15,
  30,
  60,
  120,
  300,
  600,
  900,
  1800,
  3600,
  7200,
  10_800,
  21_600,
  43_200,
  ...[1, 2, 5, 10, 30, 60, 90].map((days) => days * DAY),
];

/** uPlot's own list has 2.5 in it, whose multiples need a digit more than they are worth. */
const VALUE_STEPS = Array.from({ length: 30 }, (_, index) => index - 15).flatMap((decade) =>
  [1, 2, 5].map((lead) => Number(`${lead}e${decade}`)),
);

export interface Listener {
  onCursor(time: Seconds | null): void;
  /** A piece of time was drawn out with the mouse; null where that is not to be done. */
  onPiece: ((piece: Piece) => void) | null;
}

export function createPlot(host: HTMLElement, trend: Trend, height: number, { onCursor, onPiece }: Listener): Plot {
  const now = { palette: readPalette(), picture: null as Picture | null, drawn: '' };
  const isStrip = trend.kind === 'held';
  const layers = layersOf(trend);

  const plot = new uPlot(
    {
      width: Math.max(host.clientWidth, 1),
      height,
      padding: [8, 12, isStrip ? 8 : 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: onPiece !== null, y: false, setScale: false, dist: DRAG },
      },
      scales: {
        x: { time: false, auto: false, min: 0, max: 1 },
        y: { auto: false, min: 0, max: 1 },
      },
      axes: [
        {
          show: !isStrip,
          size: AXIS_HEIGHT,
          incrs: TIME_STEPS,
          space: 76,
          values: (self, splits, __, ___, step) =>
            splits.map((time) => (isAtEdge(self, time) ? '' : axisText(time, step))),
          ...axisStyle(now),
        },
        {
          size: AXIS_WIDTH,
          space: isStrip ? 18 : 20,
          incrs: VALUE_STEPS,
          values: (_, splits) => valueTexts(splits),
          ...axisStyle(now),
        },
      ],
      series: [{}, ...trend.traces.flatMap((trace) => seriesOf(layers, trace, now))],
      hooks: {
        drawAxes: [
          (self) => {
            if (now.picture !== null) drawUnderlay(self, trend, now.picture, now.palette);
          },
        ],
        setCursor: [reportCursor(onCursor)],
        setSelect: onPiece === null ? [] : [reportPiece(onPiece)],
      },
    },
    [new Float64Array(0)],
    host,
  );

  function drawRing(picture: Picture, key: string): void {
    if (now.picture?.theme !== picture.theme) now.palette = readPalette();
    now.picture = picture;
    now.drawn = key;

    const { low, high } = rangeOf(trend, picture.from, picture.to, beyondOf(trend, picture));
    const columns = trend.ring.view();
    plot.batch(() => {
      plot.setData(
        [0, ...layers.map(({ column }) => column)].map((column) => columns[column]) as uPlot.AlignedData,
        false,
      );
      plot.setScale('x', { min: picture.from, max: picture.to });
      plot.setScale('y', { min: low, max: high });
    });
  }

  return {
    draw(picture, cursor) {
      const key = keyOf(plot, trend, picture);
      const isSame = key === now.drawn && picture.extents === now.picture?.extents && picture.fan === now.picture.fan;
      if (!isSame) askTurn(plot, () => drawRing(picture, key));
      placeCursor(plot, cursor);
    },
    resize(width) {
      if (width > 0 && width !== plot.width) plot.setSize({ width, height });
    },
    destroy() {
      giveUpTurn(plot);
      plot.destroy();
    },
  };
}

/** Windows that are nearer to each other than this look alike (CSS pixels). */
const GRAIN_PX = 0.5;

/** The same for pictures that the eye cannot tell apart: what is new at the right edge is drawn when it has moved on by
 *  a part of a pixel, however often ticks come. Extents and fan are large: they are told apart by being others. */
function keyOf(plot: uPlot, { ring }: Trend, { from, to, extents: _, fan: __, ...rest }: Picture): string {
  const grain = ((to - from) / Math.max(plot.width, 1)) * GRAIN_PX;
  const isEmpty = ring.length === 0;
  return JSON.stringify([Math.round(from / grain), Math.round(to / grain), isEmpty, ring.disorder, rest]);
}

interface Now {
  palette: Palette;
  picture: Picture | null;
}

function axisStyle(now: Now): uPlot.Axis {
  const ink = () => now.palette.ink;
  const grid = () => now.palette.grid;
  return {
    stroke: ink,
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    gap: 4,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
}

/** What is drawn of a trace, in the order in which it is drawn: a spread is two bands. */
interface Layer {
  trace: Trace;
  /** Of the ring. */
  column: number;
}

/** The bands of a spread, the widest below. */
const SIGMAS = [2, 1];

const layersOf = ({ traces }: Trend): Layer[] =>
  traces.flatMap((trace, index) => {
    const layer = { trace, column: index + 1 };
    return trace.role === 'spread' ? SIGMAS.map(() => layer) : [layer];
  });

/** The series of the estimate that a band is around. */
const centreOf = (layers: Layer[], of: string): number =>
  layers.findIndex(({ trace }) => trace.role === 'estimate' && trace.of === of) + 1;

/** A series for each layer of the trace. */
function seriesOf(layers: Layer[], trace: Trace, now: Now): uPlot.Series[] {
  const gap = () => now.picture?.gap ?? Number.POSITIVE_INFINITY;
  const shared = { points: { show: false }, auto: false };
  const hue = () => hueOf(now.palette, trace);
  const { role } = trace;
  switch (role) {
    case 'spread':
      return bands(centreOf(layers, trace.of), SIGMAS, gap).map((paths) => ({
        ...shared,
        width: 0,
        alpha: 0.16,
        fill: hue,
        paths,
      }));
    case 'estimate':
      return [{ ...shared, width: 1.75, stroke: hue, paths: line(gap) }];
    case 'measured':
      return [{ ...shared, width: 0, alpha: 0.6, fill: hue, paths: marks(markOf(trace.mark), 2.4) }];
    case 'innovation':
      return [{ ...shared, width: 0, fill: hue, paths: marks(markOf(trace.mark), 1.9) }];
    case 'statistic':
      return [{ ...shared, width: 1.5, stroke: () => now.palette.statistic, paths: line(gap) }];
    case 'limit':
      return [{ ...shared, width: 1.25, dash: [6, 4], stroke: () => now.palette.limit, paths: level() }];
    case 'held':
      return [
        {
          ...shared,
          width: 1.5,
          stroke: () => now.palette.held,
          fill: () => now.palette.heldFill,
          paths: steps(),
        },
      ];
    default:
      return role satisfies never;
  }
}

/** Numbers that the height of a chart must have room for, besides its ring. */
function beyondOf({ traces }: Trend, { extents, fan, from, to }: Picture): number[] {
  const tags = [...new Set(traces.map(({ tag }) => tag))];
  const fans = tags.flatMap((tag) => fan?.quantiles.get(tag)?.flat() ?? []);
  const rolled = tags.flatMap((tag) => {
    const { time, min, max } = extents.get(tag) ?? NO_EXTENT;
    return time.flatMap((at, row) => (at < from || at > to ? [] : [min[row] ?? Number.NaN, max[row] ?? Number.NaN]));
  });
  return [...fans, ...rolled];
}

const NO_EXTENT: Extent = { time: [], min: [], max: [] };

/** A piece of time that was drawn out; the rectangle is only shown while it is. */
function reportPiece(report: (piece: Piece) => void): (plot: uPlot) => void {
  return (plot) => {
    const { left, width } = plot.select;
    if (width < DRAG) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    report(pieceOf(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')));
  };
}

/** Tell where the mouse is. uPlot also fires for cursors that were placed, and when data moves below them. */
function reportCursor(report: (time: Seconds | null) => void): (plot: uPlot) => void {
  let isInside = false;
  return (plot) => {
    const { left } = plot.cursor;
    if (left !== undefined && left >= 0 && plot.over.matches(':hover')) {
      isInside = true;
      report(plot.posToVal(left, 'x'));
    } else if (isInside) {
      isInside = false;
      report(null);
    }
  };
}

/** Where the cursor of another chart stands, or that of the keyboard. */
function placeCursor(plot: uPlot, time: Seconds | null): void {
  const left = time === null ? HIDDEN : plot.valToPos(time, 'x');
  if (Math.abs(left - (plot.cursor.left ?? HIDDEN)) > 0.5) plot.setCursor({ left, top: 0 }, false);
}

/** A time that is written here would run into the lowest number of the other axis, or out of the chart. */
function isAtEdge(plot: uPlot, time: Seconds): boolean {
  const left = plot.valToPos(time, 'x');
  // the element has no width yet when a chart is drawn for the first time
  return left < 16 || left > plot.valToPos(plot.scales.x?.max ?? time, 'x') - 10;
}

/** The numbers of an axis with the decimals that tell them apart. */
function valueTexts(splits: (number | null)[]): string[] {
  const [first, second] = splits;
  const step = Math.abs((second ?? 1) - (first ?? 0)) || 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const isTiny = decimals > 5;
  return splits.map((value) =>
    (isTiny ? (value ?? 0).toExponential(1) : (value ?? 0).toFixed(decimals)).replace('-', '−'),
  );
}
