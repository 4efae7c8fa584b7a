/** The charts of the tags that tell most about an alarm, over the time around it. */
import 'uplot/dist/uPlot.min.css';
import '../styles/charts.css';
import { useMemo, useState } from 'preact/hooks';
import type { Line } from '../charts/plot';
import { loadHistory } from '../history';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import type { Alarm, Seconds } from '../protocol';
import { type Trend, Trends } from '../trends';
import { Chart } from '../views/Chart';
import { Loaded } from '../views/Loaded';
import type { Evidence } from './dossier';

interface Props extends PageProps {
  alarm: Alarm;
  evidence: Evidence;
}

const HEIGHT = 128;

/** The place of what a chart is about among what tells most, from 0. */
function rankOf({ traces }: Trend, { tags }: Evidence): number {
  const ranks = traces.map(({ tag }) => tags.indexOf(tag)).filter((rank) => rank >= 0);
  return Math.min(tags.length, ...ranks);
}

/** What the most telling value had to keep to. */
const limitsOf = ({ tags: [tag], limit }: Evidence): Line[] =>
  tag === undefined || limit === null ? [] : [{ tag, limit }];

/** More charts than this are no evidence any more. */
const CHARTS_MOST = 4;

export function TellingCharts({ alarm, evidence, state }: Props) {
  const [cursor, setCursor] = useState<Seconds | null>(null);
  const twin = state.twins.get(alarm.twin);
  const isTelling = (tag: string) => evidence.tags.includes(tag) || evidence.values.has(tag);
  const trends = useMemo(() => {
    if (twin === undefined) return null;
    // a sensor belongs on the chart of what it measures
    const channels = twin.channels.filter(({ tag, of }) => isTelling(tag) || (of !== null && isTelling(of)));
    return channels.length === 0 ? null : new Trends({ ...twin, channels });
  }, [twin, evidence.tags.join()]);
  const window = { from: evidence.from, to: evidence.to };
  const [load, reload] = useLoad(async (signal) => {
    if (trends !== null) trends.fill(await loadHistory(trends.tags, window, signal));
    return true;
  }, trends);

  if (trends === null) return null;
  const shown = trends.all
    .filter((trend) => trend.kind !== 'innovation')
    .sort((a, b) => rankOf(a, evidence) - rankOf(b, evidence))
    .slice(0, CHARTS_MOST);
  const picture = {
    ...window,
    now: window.to,
    limits: limitsOf(evidence),
    extents: trends.extents,
    fan: null,
    gap: Math.max(15, 4 * trends.recorded),
    shades: [{ from: alarm.raised, to: alarm.returned ?? window.to }],
    theme: state.theme,
  };
  return (
    <Loaded load={load} retry={reload} lines={4}>
      {() => (
        <div class="telling" data-testid="telling-charts">
          {shown.map((trend) => (
            <Chart
              key={trend.id}
              trend={trend}
              height={HEIGHT}
              picture={picture}
              cursor={cursor}
              onCursor={setCursor}
              onPiece={null}
            />
          ))}
        </div>
      )}
    </Loaded>
  );
}
