/** How high a chart is: what its ring holds in the window, with air above and below, at round numbers. */
import type { Seconds } from '../protocol';
import type { Ring } from '../ring';
import { estimateColumn, type Trend } from '../trends';

export interface Range {
  low: number;
  high: number;
}

/** A chart ends at a round number near its values: the distance of round numbers is up to this part of its height. */
const PARTS = 8;

/** A twin that has just begun knows nothing, and its band would press the lines flat: on each side a band gets at most
 *  this part of the lines' height, or what it needs now. */
const BAND_PART = 0.25;

/** What does not change is shown as if it changed by this part of itself. */
const LEAST_CHANGE = 0.01;

/** A switch that is never thrown is still one. */
const OFF_AND_ON: Range = { low: 0, high: 1 };
const ZERO: Range = { low: 0, high: 0 };

/** Innovations within this many σ are ordinary; what is beyond the last is far out anyway, and drawn at the edge. */
const SIGMAS = { least: 4, most: 12 };

/** `beyond` are numbers that are drawn besides the ring's. */
export function rangeOf(trend: Trend, from: Seconds, to: Seconds, beyond: readonly number[] = []): Range {
  const extent = withNumbers(extentOf(trend, from, to), beyond);
  if (trend.kind === 'innovation') return sigmas(extent ?? { low: 0, high: 0 });
  // what is nothing all along has no size to go by
  if (extent === null || (extent.low === 0 && extent.high === 0)) return OFF_AND_ON;
  if (trend.kind === 'held' && trend.unit === '1') return rounded(union(extent, OFF_AND_ON));
  // the statistic is zero where nothing speaks against the twin
  return trend.kind === 'divergence' ? { low: 0, high: rounded(union(extent, ZERO)).high } : rounded(extent);
}

/** The least and the greatest value in the window, bands included as far as they leave room for the lines. */
function extentOf(trend: Trend, from: Seconds, to: Seconds): Range | null {
  const extent = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
  trend.traces.forEach(({ role }, index) => {
    if (role === 'spread') return;
    // a held value and a limit reach into the window from before it
    const isHeld = role === 'held' || role === 'limit';
    const first = isHeld ? Math.max(trend.ring.before(from, index + 1), 0) : trend.ring.search(from);
    include(extent, trend.ring, first, to, { centre: index + 1, spread: 0, most: 0 });
  });
  if (extent.low > extent.high) return null;

  const room = (extent.high - extent.low) * BAND_PART;
  trend.traces.forEach(({ role, of }, index) => {
    if (role !== 'spread') return;
    const newest = trend.ring.before(to, index + 1);
    const most = newest < 0 ? room : Math.max(room, 2 * trend.ring.at(index + 1, newest));
    const band = { centre: estimateColumn(trend, of), spread: index + 1, most };
    include(extent, trend.ring, trend.ring.search(from), to, band);
  });
  return extent;
}

function withNumbers(extent: Range | null, numbers: readonly number[]): Range | null {
  const { low, high } = extent ?? { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
  const range = { low, high };
  for (const value of numbers) {
    // NaN is on neither side
    if (value < range.low) range.low = value;
    if (value > range.high) range.high = value;
  }
  return range.low > range.high ? null : range;
}

/** Widen `extent` by what lies between row `first` and the time `to`: values, or a band of at most `most` on each side. */
function include(
  extent: Range,
  ring: Ring,
  first: number,
  to: Seconds,
  { centre, spread, most }: { centre: number; spread: number; most: number },
): void {
  const last = ring.search(to);
  for (let row = first; row <= last && row < ring.length; row++) {
    const middle = ring.at(centre, row);
    const reach = spread === 0 ? 0 : Math.min(2 * ring.at(spread, row), most);
    // NaN, where the row is of another column, is on neither side
    if (middle - reach < extent.low) extent.low = middle - reach;
    if (middle + reach > extent.high) extent.high = middle + reach;
  }
}

/** Round numbers keep the axis still while the values under it move. */
function rounded({ low, high }: Range): Range {
  const size = Math.max(high - low, Math.abs(high) * LEAST_CHANGE, 1e-12);
  const step = roundStep(size / PARTS);
  return {
    low: Math.floor((low - size * 0.04) / step) * step,
    high: Math.ceil((high + size * 0.04) / step) * step,
  };
}

function union(a: Range, b: Range): Range {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

function sigmas({ low, high }: Range): Range {
  const reach = Math.ceil(Math.max(-low, high) / SIGMAS.least) * SIGMAS.least;
  const shown = Math.min(Math.max(reach, SIGMAS.least), SIGMAS.most);
  return { low: -shown, high: shown };
}

/** The next of 1, 2, 5, 10, … that is not below `size`. */
export function roundStep(size: number): number {
  const decade = 10 ** Math.floor(Math.log10(size));
  const lead = size / decade;
  const factor = lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10;
  return factor * decade;
}
