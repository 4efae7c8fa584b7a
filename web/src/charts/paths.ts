/** The shapes on a chart, as uPlot path builders over columns in which NaN is "nothing here".
 *
 *  uPlot's own builders know a gap as null, which a Float64Array cannot hold; and a ring mixes the rows of estimates
 *  and of several sensors, so the neighbours of a row are seldom of its column.
 */
import type uPlot from 'uplot';
import type { Seconds } from '../protocol';

/** Columns of a chart that uPlot was given as a ring's views. */
type Columns = readonly Float64Array[];

/** Two points closer than this are one to the eye (device pixels). */
const MERGE_PX = 0.5;

const MARKS = ['circle', 'diamond', 'square', 'triangle'] as const;
export type Mark = (typeof MARKS)[number];

export const markOf = (order: number): Mark => MARKS[order % MARKS.length] ?? 'circle';

/** A line through the values of the column; a pause longer than `gap()` breaks it. */
export function line(gap: () => Seconds): uPlot.Series.PathBuilder {
  return (plot, column, first, last) => {
    const stroke = new Path2D();
    const points = pointsOf(plot, column, first, last);
    let previous: Point | null = null;
    for (const point of points) {
      if (previous === null || point.time - previous.time > gap()) stroke.moveTo(point.x, point.y);
      else stroke.lineTo(point.x, point.y);
      previous = point;
    }
    return { stroke, flags: 0 };
  };
}

/** The areas of ± `sigmas`, in their order, of this column around the column `centre`. They differ in nothing but their
 *  height: what the first finds on its way through the rows, it hands on to the next, which uPlot asks for in the same
 *  drawing. */
export function bands(centre: number, sigmas: number[], gap: () => Seconds): uPlot.Series.PathBuilder[] {
  let handedOn: Slice[][] | null = null;
  return sigmas.map((sigma, order) => (plot, column, first, last) => {
    const runs = handedOn ?? slicesOf(plot, column, centre, [first, last], gap());
    handedOn = order < sigmas.length - 1 ? runs : null;
    const fill = new Path2D();
    for (const run of runs) addArea(fill, run, sigma);
    return { fill, flags: 0 };
  });
}

/** A band at one place across: where its middle is, and how high one σ (canvas pixels). */
interface Slice {
  x: number;
  y: number;
  sigma: number;
}

/** Where the band goes, from gap to gap. */
function slicesOf(
  plot: uPlot,
  column: number,
  centre: number,
  [first, last]: [number, number],
  gap: Seconds,
): Slice[][] {
  const [times, spreads, middles] = [columnOf(plot, 0), columnOf(plot, column), columnOf(plot, centre)];
  const runs: Slice[][] = [];
  let run: Slice[] = [];
  let previous = Number.NEGATIVE_INFINITY;

  const [from, to] = widen(spreads, first, last);
  for (let row = from; row <= to; row++) {
    const [time, spread, middle] = [at(times, row), at(spreads, row), at(middles, row)];
    if (Number.isNaN(spread) || Number.isNaN(middle)) continue;
    if (time - previous > gap) {
      run = [];
      runs.push(run);
    }
    previous = time;
    const x = plot.valToPos(time, 'x', true);
    const merged = run.at(-1);
    if (merged !== undefined && x - merged.x < MERGE_PX) continue;
    const y = plot.valToPos(middle, 'y', true);
    run.push({ x, y, sigma: plot.valToPos(middle + spread, 'y', true) - y });
  }
  return runs;
}

function addArea(path: Path2D, run: Slice[], sigmas: number): void {
  const [start] = run;
  if (start === undefined) return;
  path.moveTo(start.x, start.y + sigmas * start.sigma);
  for (const { x, y, sigma } of run) path.lineTo(x, y + sigmas * sigma);
  for (const { x, y, sigma } of [...run].reverse()) path.lineTo(x, y - sigmas * sigma);
}

/** One mark per value; what lies beyond the chart is marked at its edge. Of marks that would lie on each other one is
 *  drawn: thousands of samples in a cloud cost no more than the cloud. */
export function marks(mark: Mark, radius: number): uPlot.Series.PathBuilder {
  return (plot, column, first, last) => {
    const fill = new Path2D();
    const size = radius * devicePixelRatio;
    const { left, top, height } = plot.bbox;
    const [highest, lowest] = [top + size, top + height - size];
    const covered = new Set<number>();
    for (const { x, y } of pointsOf(plot, column, first, last)) {
      const shown = Math.min(Math.max(y, highest), lowest);
      const place = Math.floor((x - left) / size) * ROWS_MOST + Math.floor((shown - top) / size);
      if (covered.has(place)) continue;
      covered.add(place);
      addMark(fill, mark, x, shown, size);
    }
    return { fill, flags: 0 };
  };
}

/** More rows of marks than any chart is high. */
const ROWS_MOST = 1 << 14;

/** A value that holds until the next one, and the last one until the right edge; filled down to the bottom. */
export function steps(): uPlot.Series.PathBuilder {
  return (plot, column, first, last) => {
    const points = pointsOf(plot, column, first, last);
    const [start] = points;
    if (start === undefined) return null;

    const { left, top, width, height } = plot.bbox;
    const stroke = stairs(points, start.x, left + width);
    const fill = new Path2D(stroke);
    fill.lineTo(left + width, top + height);
    fill.lineTo(start.x, top + height);
    return { stroke, fill, flags: 0 };
  };
}

/** A limit, which held before it was first told as well. */
export function level(): uPlot.Series.PathBuilder {
  return (plot, column, first, last) => {
    const { left, width } = plot.bbox;
    return { stroke: stairs(pointsOf(plot, column, first, last), left, left + width), flags: 0 };
  };
}

function stairs(points: Point[], from: number, to: number): Path2D {
  const path = new Path2D();
  const [start] = points;
  if (start === undefined) return path;
  let level = start.y;
  path.moveTo(from, level);
  for (const { x, y } of points) {
    path.lineTo(x, level);
    path.lineTo(x, y);
    level = y;
  }
  path.lineTo(Math.max(to, points.at(-1)?.x ?? to), level);
  return path;
}

interface Point {
  time: Seconds;
  x: number;
  y: number;
}

/** The column's values on the canvas, from the one before the window to the one behind it. */
function pointsOf(plot: uPlot, column: number, first: number, last: number): Point[] {
  const [times, values] = [columnOf(plot, 0), columnOf(plot, column)];
  const points: Point[] = [];
  const [from, to] = widen(values, first, last);
  for (let row = from; row <= to; row++) {
    const value = at(values, row);
    if (Number.isNaN(value)) continue;
    const time = at(times, row);
    const x = plot.valToPos(time, 'x', true);
    const y = plot.valToPos(value, 'y', true);
    const merged = points.at(-1);
    if (merged !== undefined && x - merged.x < MERGE_PX && Math.abs(y - merged.y) < MERGE_PX) continue;
    points.push({ time, x, y });
  }
  return points;
}

/** uPlot widens the window by one row on each side; here the next row *of the column* is wanted. */
function widen(values: Float64Array, first: number, last: number): [number, number] {
  let from = first;
  while (from > 0 && Number.isNaN(at(values, from))) from--;
  let to = last;
  while (to < values.length - 1 && Number.isNaN(at(values, to))) to++;
  return [from, to];
}

function addMark(path: Path2D, mark: Mark, x: number, y: number, size: number): void {
  switch (mark) {
    case 'circle':
      path.moveTo(x + size, y);
      path.arc(x, y, size, 0, 2 * Math.PI);
      return;
    case 'square':
      path.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
      return;
    case 'diamond':
      path.moveTo(x, y - size * 1.3);
      path.lineTo(x + size * 1.3, y);
      path.lineTo(x, y + size * 1.3);
      path.lineTo(x - size * 1.3, y);
      path.closePath();
      return;
    case 'triangle':
      path.moveTo(x, y - size * 1.2);
      path.lineTo(x + size * 1.2, y + size);
      path.lineTo(x - size * 1.2, y + size);
      path.closePath();
      return;
    default:
      mark satisfies never;
  }
}

/** Every chart is given its ring's views and nothing else. */
const columnOf = (plot: uPlot, index: number): Float64Array => (plot.data as unknown as Columns)[index] ?? EMPTY;
const at = (values: Float64Array, row: number): number => values[row] ?? Number.NaN;
const EMPTY = new Float64Array(0);
