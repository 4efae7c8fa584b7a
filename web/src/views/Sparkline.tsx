/** A line without axes that says how something went in the last minutes; its number stands beside it. */
import type { Ring } from '../ring';
import { memo } from './memo';

interface Props {
  ring: Ring;
  column: number;
  /** Changes with the content of the ring. */
  version: number;
}

/** A line that has just begun does not jump about. */
const LEAST_READINGS = 60;

const WIDTH = 160;
const HEIGHT = 32;

export const Sparkline = memo(({ ring, column }: Props) => (
  <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
    <path d={sparkPath(ring, column)} />
  </svg>
));

/** From zero up, as what is counted has its place there; a reading that is missing is a gap. */
export function sparkPath(ring: Ring, column: number): string {
  const values = Array.from({ length: ring.length }, (_, row) => ring.at(column, row));
  const most = Math.max(...values.filter((value) => !Number.isNaN(value)), Number.MIN_VALUE);
  const step = WIDTH / (Math.max(values.length, LEAST_READINGS) - 1);
  const left = WIDTH - (values.length - 1) * step;
  let pen = 'M';
  let path = '';
  values.forEach((value, row) => {
    if (Number.isNaN(value)) {
      pen = 'M';
      return;
    }
    const y = HEIGHT - 1.5 - (value / most) * (HEIGHT - 3);
    path += `${pen}${(left + row * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}
