/** What `GET /metrics` says beyond the counters of the tick frames.
 *
 *  Takes: Prometheus' text.  Gives: numbers by the name of their series, labels included.
 */
export function readMetrics(text: string): Map<string, number> {
  const metrics = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    // a label may have spaces, a number has none
    const end = line.lastIndexOf(' ');
    const value = Number(line.slice(end + 1));
    if (end > 0 && Number.isFinite(value)) metrics.set(line.slice(0, end), value);
  }
  return metrics;
}
