/** Charts take turns: in one frame as many are drawn as it has time for, the others in the next. So a page of many
 *  charts is drawn a little later on a slow machine, and never in jerks.
 */

/** Half of a frame of 60 a second; the other half belongs to the page and the browser. */
const BUDGET_MS = 8;

const waiting = new Map<object, () => void>();
let isAsked = false;

/** Have `draw` called in one of the next frames, in place of what `chart` has asked for before. */
export function askTurn(chart: object, draw: () => void): void {
  waiting.set(chart, draw);
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(giveTurns);
}

/** A chart that is gone draws no more. */
export function giveUpTurn(chart: object): void {
  waiting.delete(chart);
}

function giveTurns(): void {
  const end = performance.now() + BUDGET_MS;
  for (const [chart, draw] of waiting) {
    waiting.delete(chart);
    draw();
    if (performance.now() >= end) break;
  }
  isAsked = waiting.size > 0;
  if (isAsked) requestAnimationFrame(giveTurns);
}
