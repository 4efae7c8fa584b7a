/** A plant of more twins than the page is told of: how each of them fares, and where on the map it stands.
 *
 *  The map follows the numbers: a square of ten by ten for every hundred, squares from left to right and from the top, so
 *  that neighbours by number are neighbours to the eye, and a site that is in trouble is a spot.
 */

/** As the server counts them; a later one outweighs those before it. */
export const HEALTH = ['calm', 'diverged', 'alarm', 'standing still'] as const;

export interface Fleet {
  /** One of HEALTH for every twin, by its number. */
  health: Uint8Array;
  /** How many twins there are of each. */
  tally: number[];
  /** The numbers of twins that are not calm, rising; at most TROUBLED_MOST. */
  troubled: number[];
}

/** A twin in a list of names. */
export interface Listed {
  name: string;
  model: string;
  number: number;
}

/** Marks on a map beyond this are a colour of their own. */
const TROUBLED_MOST = 5000;

/** Spread runs, `how many, which health, …`, over `count` twins; what no run covers is calm. */
export function spreadRuns(count: number, runs: number[]): Fleet {
  const health = new Uint8Array(count);
  const tally: number[] = HEALTH.map(() => 0);
  const troubled: number[] = [];
  let first = 0;
  for (let i = 0; i + 1 < runs.length && first < count; i += 2) {
    const end = Math.min(count, first + Math.max(0, runs[i] ?? 0));
    const level = Math.min(HEALTH.length - 1, Math.max(0, runs[i + 1] ?? 0));
    health.fill(level, first, end);
    tally[level] = (tally[level] ?? 0) + end - first;
    for (let twin = first; level > 0 && twin < end && troubled.length < TROUBLED_MOST; twin++) troubled.push(twin);
    first = end;
  }
  tally[0] = (tally[0] ?? 0) + count - first;
  return { health, tally, troubled };
}

const SIDE = 10;
const SQUARE = SIDE * SIDE;

export interface MapPlan {
  count: number;
  /** Squares in a row. */
  across: number;
  /** In cells of one twin. */
  width: number;
  height: number;
}

/** A map of `count` twins, about `aspect` times as wide as it is high. */
export function planMap(count: number, aspect: number): MapPlan {
  const squares = Math.max(1, Math.ceil(count / SQUARE));
  const across = Math.min(squares, Math.max(1, Math.round(Math.sqrt(squares * aspect))));
  return { count, across, width: across * SIDE, height: Math.ceil(squares / across) * SIDE };
}

export function cellOf({ across }: MapPlan, twin: number): [x: number, y: number] {
  const square = Math.floor(twin / SQUARE);
  const inside = twin % SQUARE;
  return [(square % across) * SIDE + (inside % SIDE), Math.floor(square / across) * SIDE + Math.floor(inside / SIDE)];
}

/** The twin at a point of the map; null where there is none. */
export function twinAt({ count, across, width, height }: MapPlan, x: number, y: number): number | null {
  if (!(x >= 0 && y >= 0 && x < width && y < height)) return null;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const square = Math.floor(row / SIDE) * across + Math.floor(column / SIDE);
  const twin = square * SQUARE + (row % SIDE) * SIDE + (column % SIDE);
  return twin < count ? twin : null;
}
