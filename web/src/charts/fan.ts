/** The geometry of a forecast's picture: scales, round numbers beside them, and the paths of bands and lines. Pure. */
import type { Fan } from '../forecast/result';
import { roundStep } from './range';

/** From values to pixels. */
export interface Scale {
  low: number;
  high: number;
  from: number;
  to: number;
}

export const place = ({ low, high, from, to }: Scale, value: number): number =>
  from + ((value - low) / (high - low)) * (to - from);

export const valueAt = ({ low, high, from, to }: Scale, pixel: number): number =>
  low + ((pixel - from) / (to - from)) * (high - low);

/** The least and the greatest of all numbers, with air, and never of no height. */
export function spanOf(columns: readonly (readonly number[])[]): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const column of columns) {
    for (const value of column) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  // what does not change is shown as if it changed a little
  const air = Math.max((high - low) * 0.06, Math.abs(high) * 1e-3) || 1;
  return [low - air, high + air];
}

/** Round numbers between `low` and `high`, about `count` of them. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const step = roundStep((high - low) / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** A number beside an axis, with the decimals that its step needs. */
export function tickText(value: number, ticks: readonly number[]): string {
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0)) || 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = decimals > 5 ? value.toExponential(1) : value.toFixed(decimals);
  return text.replace('-', '−');
}

/** An SVG path through what is a number; a gap where there is none. */
export function linePath(x: Scale, y: Scale, times: readonly number[], values: readonly number[]): string {
  let isOpen = false;
  return times
    .map((time, index) => {
      const value = values[index] ?? Number.NaN;
      if (!Number.isFinite(value)) {
        isOpen = false;
        return '';
      }
      const verb = isOpen ? 'L' : 'M';
      isOpen = true;
      return `${verb}${round(place(x, time))} ${round(place(y, value))}`;
    })
    .join('');
}

/** The area between two columns, there and back; empty where either is nowhere a number. */
export function bandPath(
  x: Scale,
  y: Scale,
  times: readonly number[],
  low: readonly number[],
  high: readonly number[],
): string {
  const rows = times.map((_, index) => index).filter((row) => Number.isFinite(low[row]) && Number.isFinite(high[row]));
  const there = rows.map((row) => `${round(place(x, times[row] ?? 0))} ${round(place(y, high[row] ?? 0))}`);
  const back = rows.reverse().map((row) => `${round(place(x, times[row] ?? 0))} ${round(place(y, low[row] ?? 0))}`);
  return there.length === 0 ? '' : `M${[...there, ...back].join('L')}Z`;
}

/** Pairs of quantiles from the outside in, and the middle one. */
export function bandsOf({ quantiles, mean }: Fan): { bands: [low: number[], high: number[]][]; middle: number[] } {
  const pairs = Math.floor(quantiles.length / 2);
  const bands = Array.from({ length: pairs }, (_, index): [number[], number[]] => [
    quantiles[index] ?? [],
    quantiles[quantiles.length - 1 - index] ?? [],
  ]);
  return { bands, middle: quantiles.length % 2 === 1 ? (quantiles[pairs] ?? mean) : mean };
}

/** The index of the time nearest to `at`. */
export function nearestIndex(times: readonly number[], at: number): number {
  let best = 0;
  times.forEach((time, index) => {
    if (Math.abs(time - at) < Math.abs((times[best] ?? 0) - at)) best = index;
  });
  return best;
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10;
