/** How numbers are shown: as many digits as their uncertainty supports, and no more. */
import { superscript } from './unit';

export interface Figures {
  value: string;
  /** ± two standard deviations; empty where there is none. */
  spread: string;
  /** A power of ten that both are to be multiplied by; mostly empty. */
  power: string;
}

const NOTHING: Figures = { value: '–', spread: '', power: '' };

/** Outside of this, numbers get a power of ten. */
const SMALLEST = 1e-3;
const LARGEST = 1e6;

/** Without an uncertainty a number is shown to this many digits. */
const PLAIN_DIGITS = 4;
const MOST_DECIMALS = 6;

/** A value of `unit` with its standard deviation, or null for one that was measured or set. */
export function figures(value: number, sd: number | null, unit: string): Figures {
  if (!Number.isFinite(value)) return NOTHING;
  const spread = sd === null || !Number.isFinite(sd) || sd <= 0 ? null : 2 * sd;
  const size = Math.max(Math.abs(value), spread ?? 0);
  const exponent = size !== 0 && (size < SMALLEST || size >= LARGEST) ? Math.floor(Math.log10(size)) : 0;
  const scale = 10 ** exponent;

  const decimals = spread === null ? plainDecimals(value / scale, unit) : spreadDecimals(spread / scale);
  return {
    value: fixed(value / scale, decimals),
    spread: spread === null ? '' : `± ${fixed(spread / scale, decimals)}`,
    power: exponent === 0 ? '' : `×10${superscript(String(exponent))}`,
  };
}

/** A value of `unit` in one piece, for tables. */
export function numberText(value: number, unit: string): string {
  const { value: number, power } = figures(value, null, unit);
  return number + power;
}

/** A deviation in standard deviations: with its sign, and to a tenth. */
export function sigmas(value: number): Figures {
  if (!Number.isFinite(value)) return NOTHING;
  return { value: `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`, spread: '', power: '' };
}

/** The divergence statistic, which has done its work at 1. */
export function statistic(value: number): Figures {
  return Number.isFinite(value) ? { value: fixed(value, 2), spread: '', power: '' } : NOTHING;
}

/** A count, in groups of three digits. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** A rate, to three digits; whole from a hundred on. */
export function rateText(rate: number): string {
  if (!Number.isFinite(rate)) return '–';
  return rate >= 100 ? countText(rate) : fixed(rate, rate === 0 ? 0 : rate < 10 ? 2 : 1);
}

/** Where an uncertainty begins with 1 or 2 it is worth two digits, else one. */
function spreadDecimals(spread: number): number {
  const exponent = Math.floor(Math.log10(spread));
  const lead = spread / 10 ** exponent;
  return clampDecimals(-exponent + (lead < 3 ? 1 : 0));
}

/** A number without a unit is mostly a switch or a count; a quantity keeps its digits when it happens to be whole. */
function plainDecimals(value: number, unit: string): number {
  if (unit === '1' && Number.isInteger(value)) return 0;
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  return clampDecimals(PLAIN_DIGITS - 1 - Math.max(exponent, 0));
}

const clampDecimals = (decimals: number): number => Math.min(Math.max(decimals, 0), MOST_DECIMALS);

/** A true minus sign is as wide as the digits; and there is no negative zero. */
function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}
