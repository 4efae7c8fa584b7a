/** One chart: a uPlot that draws a trend's ring, and nothing when nothing has changed.
 *
 *  Scales are set here on every draw and never found by uPlot, which would take NaN for a value.
 *
 *  Takes: an element, a trend, the window to show.  Gives: a drawn chart; tells where its cursor stands.
 */
import uPlot from 'uplot';
import { axisText } from '../format/time';
import type { Trace } from '../plan';
import type { Seconds } from '../protocol';
import { estimateColumn, type Trend } from '../trends';
import { hueOf, type Palette, readPalette } from './palette';
import { band, level, line, markOf, marks, steps } from './paths';
import { rangeOf } from './range';

export interface Picture {
  from: Seconds;
  to: Seconds;
  /** A longer pause between two estimates is a gap. */
  gap: Seconds;
  /** When plant and twin were apart. */
  shades: Shade[];
  theme: string;
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

const AXIS_WIDTH = 54;
const AXIS_HEIGHT = 24;
const TIME_STEPS: Seconds[] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** uPlot's own list has 2.5 in it, whose multiples need a digit more than they are worth. */
const VALUE_STEPS = Array.from({ length: 30 }, (_, index) => index - 15).flatMap((decade) =>
  [1, 2, 5].map((lead) => Number(`${lead}e${decade}`)),
);

export function createPlot(
  host: HTMLElement,
  trend: Trend,
  height: number,
  onCursor: (time: Seconds | null) => void,
): Plot {
  const now = { palette: readPalette(), picture: null as Picture | null, drawn: '' };
  const isStrip = trend.kind === 'held';

  const plot = new uPlot(
    {
      width: Math.max(host.clientWidth, 1),
      height,
      padding: [8, 12, isStrip ? 8 : 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: false, y: false, setScale: false },
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
      series: [{}, ...trend.traces.map((trace) => seriesOf(trend, trace, now))],
      hooks: {
        drawAxes: [
          (self) => {
            if (trend.kind === 'innovation') shadeCalm(self, now.palette);
            shade(self, now.picture?.shades ?? [], now.palette, !isStrip);
          },
        ],
        setCursor: [reportCursor(onCursor)],
      },
    },
    [new Float64Array(0)],
    host,
  );

  function drawRing(picture: Picture, key: string): void {
    if (now.picture?.theme !== picture.theme) now.palette = readPalette();
    now.picture = picture;
    now.drawn = key;

    const { low, high } = rangeOf(trend, picture.from, picture.to);
    plot.batch(() => {
      plot.setData(trend.ring.view() as unknown as uPlot.AlignedData, false);
      plot.setScale('x', { min: picture.from, max: picture.to });
      plot.setScale('y', { min: low, max: high });
    });
  }

  return {
    draw(picture, cursor) {
      const key = JSON.stringify([trend.ring.version, picture]);
      if (key !== now.drawn) drawRing(picture, key);
      placeCursor(plot, cursor);
    },
    resize(width) {
      if (width > 0 && width !== plot.width) plot.setSize({ width, height });
    },
    destroy() {
      plot.destroy();
    },
  };
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

function seriesOf(trend: Trend, trace: Trace, now: Now): uPlot.Series {
  const gap = () => now.picture?.gap ?? Number.POSITIVE_INFINITY;
  const shared = { points: { show: false }, auto: false };
  const hue = () => hueOf(now.palette, trace);
  const { role } = trace;
  switch (role) {
    case 'spread':
      return { ...shared, width: 0, alpha: 0.22, fill: hue, paths: band(estimateColumn(trend, trace.of), gap) };
    case 'estimate':
      return { ...shared, width: 1.75, stroke: hue, paths: line(gap) };
    case 'measured':
      return { ...shared, width: 0, alpha: 0.6, fill: hue, paths: marks(markOf(trace.mark), 2.4) };
    case 'innovation':
      return { ...shared, width: 0, fill: hue, paths: marks(markOf(trace.mark), 1.9) };
    case 'statistic':
      return { ...shared, width: 1.5, stroke: () => now.palette.statistic, paths: line(gap) };
    case 'limit':
      return { ...shared, width: 1.25, dash: [6, 4], stroke: () => now.palette.limit, paths: level() };
    case 'held':
      return {
        ...shared,
        width: 1.5,
        stroke: () => now.palette.held,
        fill: () => now.palette.heldFill,
        paths: steps(),
      };
    default:
      return role satisfies never;
  }
}

/** Within ± two σ lie 95 in 100 innovations of a twin that is right. */
const CALM_SIGMAS = 2;

function shadeCalm(plot: uPlot, palette: Palette): void {
  const { ctx, bbox } = plot;
  const top = plot.valToPos(CALM_SIGMAS, 'y', true);
  ctx.fillStyle = palette.calm;
  ctx.fillRect(bbox.left, top, bbox.width, plot.valToPos(-CALM_SIGMAS, 'y', true) - top);
}

function shade(plot: uPlot, shades: Shade[], palette: Palette, hasEdge: boolean): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  for (const { from, to } of shades) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left);
    const width = Math.min(plot.valToPos(to, 'x', true), right) - left;
    if (width <= 0) continue;
    ctx.fillStyle = palette.shade;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    if (!hasEdge) continue;
    ctx.fillStyle = palette.shadeEdge;
    ctx.fillRect(left, bbox.top, width, 2 * devicePixelRatio);
  }
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
