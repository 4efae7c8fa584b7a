/** What the engine needs: memory, and how long its ticks take. */
import { useEffect } from 'preact/hooks';
import { countText, rateText } from '../format/value';
import { useLoad } from '../pages/useLoad';
import { Loaded } from '../views/Loaded';
import { readMetrics } from './metrics';
import { Property } from './Property';

/** How often they are asked for, while somebody can see them. */
const ASK_MS = 5_000;

export function Meters({ isLive }: { isLive: boolean }) {
  const [load, reload] = useLoad(loadMetrics, isLive);
  useEffect(() => {
    const timer = setInterval(() => isLive && !document.hidden && reload(), ASK_MS);
    return () => clearInterval(timer);
  }, [isLive]);
  return (
    <section class="panel" aria-labelledby="meters-title" data-testid="meters">
      <header class="panel-head">
        <h2 id="meters-title">Needs</h2>
      </header>
      <Loaded load={load} retry={reload} lines={2}>
        {(metrics) => (
          <dl class="properties">
            <Property name="memory">{megabytes(metrics.get('pollux_memory_resident_bytes'))}</Property>
            <Property name="a tick takes">{meanTick(metrics)}</Property>
            <Property name="rows that wait for the disk">
              {countText(metrics.get('pollux_history_waiting_rows') ?? 0)}
            </Property>
          </dl>
        )}
      </Loaded>
    </section>
  );
}

async function loadMetrics(signal: AbortSignal): Promise<Map<string, number>> {
  const response = await fetch('metrics', { signal });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return readMetrics(await response.text());
}

const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '–' : `${rateText(bytes / 1e6)} MB`);

/** Since the engine began. */
function meanTick(metrics: Map<string, number>): string {
  const [sum, count] = ['sum', 'count'].map((part) => metrics.get(`pollux_tick_duration_seconds_${part}`) ?? 0);
  return sum === undefined || !count ? '–' : `${rateText((sum / count) * 1e6)} µs`;
}
