/** How long to wait before trying again: doubling, capped, and spread so that many pages do not come back at once. */
const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** The wait before the attempt after `failures` failed ones; `random` lies in [0, 1). */
export function backoffMs(failures: number, random: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return whole / 2 + (whole / 2) * random;
}
