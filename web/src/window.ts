/** Which part of the plant's time the charts show: the newest of it, or a piece that stays where it is. Pure. */
import type { Seconds } from './protocol';

/** A piece of plant time that somebody has chosen. */
export interface Piece {
  from: Seconds;
  to: Seconds;
}

const HOUR: Seconds = 3600;
const DAY: Seconds = 24 * HOUR;

/** The spans to choose from. */
export const SPANS: readonly Seconds[] = [10, 60, 300, 900, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];

const SHORTEST: Seconds = 10;
const LONGEST: Seconds = 366 * DAY;

/** `from` and `to` in their order, and neither closer together nor farther apart than can be shown. */
export function pieceOf(a: Seconds, b: Seconds): Piece {
  const middle = (a + b) / 2;
  const length = Math.min(LONGEST, Math.max(SHORTEST, Math.abs(b - a)));
  return { from: middle - length / 2, to: middle + length / 2 };
}

/** `length` around `at`, or as much of it as there is up to `newest`, and then more of what was before. */
export function pieceAround(at: Seconds, length: Seconds, newest: Seconds): Piece {
  const to = Math.max(at, Math.min(at + length / 2, newest));
  return { from: to - length, to };
}

/** Later by `part` of its length, or earlier; the end stays at `newest`. */
export function shifted({ from, to }: Piece, part: number, newest: Seconds): Piece {
  const by = Math.min(part * (to - from), Math.max(0, newest - to));
  return { from: from + by, to: to + by };
}

/** `factor` times as long around its middle, or around the end where that is the newest. */
export function stretched({ from, to }: Piece, factor: number, newest: Seconds): Piece {
  const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor];
  const piece = pieceOf(middle - half, middle + half);
  return piece.to > newest ? { from: newest - (piece.to - piece.from), to: newest } : piece;
}

/** How many rows of the record are asked for: all samples of a short time; of a long one what has a pixel each, which the
 *  server then rolls up. */
export const pointsFor = (length: Seconds): number => (length <= HOUR ? 4000 : 1500);
