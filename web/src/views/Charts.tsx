/** The charts of the twin under one span and one cursor. */
import type { Actions } from '../app';
import type { Picture, Shade } from '../charts/plot';
import { timeText } from '../format/time';
import type { PlanKind } from '../plan';
import type { Alarm, Seconds } from '../protocol';
import type { State } from '../state';
import type { Trend, Trends } from '../trends';
import { Chart } from './Chart';
import { ChartTools } from './ChartTools';

interface Props {
  state: State;
  actions: Actions;
  trends: Trends;
  now: Seconds;
}

/** Heights in CSS pixels: what matters most fits on a small screen. */
const HEIGHTS: Record<PlanKind, number> = {
  sensed: 212,
  innovation: 118,
  divergence: 118,
  tracked: 118,
  hidden: 118,
  held: 52,
};
const SENSED_AMONG_OTHERS = 150;

/** A pause longer than all of these is a gap in an estimate: seconds, ticks, steps of the record, seconds of the wall. */
const GAP = { least: 15, ticks: 20, records: 4, wall: 3 };

/** What a chart shows at least: it grows from here as the record does. */
const SHORTEST_WINDOW: Seconds = 60;

export function Charts({ state, actions, trends, now }: Props) {
  const shown = state.piece === null ? trends : (state.past ?? trends);
  const picture = pictureOf(state, shown, now);
  const sensed = shown.all.filter((trend) => trend.kind === 'sensed');
  const charts = (...kinds: PlanKind[]) =>
    shown.all
      .filter((trend) => kinds.includes(trend.kind))
      .map((trend) => (trend.kind === 'innovation' ? (likeOf(trend, trends) ?? trend) : trend))
      .map((trend) => (
        <Chart
          key={`${trends.twin}/${trend.id}`}
          trend={trend}
          height={trend.kind === 'sensed' && sensed.length > 1 ? SENSED_AMONG_OTHERS : HEIGHTS[trend.kind]}
          picture={picture}
          note={trend.kind === 'innovation' ? unrecorded(trend, picture) : ''}
          cursor={state.cursor}
          onCursor={actions.moveCursor}
          onPiece={actions.showPiece}
        />
      ));
  const strips = charts('held');
  return (
    <section class="charts panel" aria-label="Charts" data-loading={state.history.kind === 'loading'}>
      <ChartTools state={state} actions={actions} trends={shown} picture={picture} />
      <div class="charts-wide">{charts('sensed')}</div>
      <div class="charts-pairs">{charts('innovation', 'divergence', 'tracked', 'hidden')}</div>
      {strips.length > 0 && (
        <div class="charts-strips">
          <h3 class="strips-title">Inputs and actuators</h3>
          {strips}
        </div>
      )}
    </section>
  );
}

/** The record has no innovations: of those, what has come since the page was opened is all there is. */
const likeOf = (trend: Trend, live: Trends): Trend | undefined => live.all.find(({ id }) => id === trend.id);

/** Why there are none in a piece of time that ends before the first of them. */
function unrecorded({ ring }: Trend, { now }: Picture): string {
  if (ring.oldest <= now) return '';
  const since = Number.isNaN(ring.oldest) ? '' : `, from ${timeText(ring.oldest)} on`;
  return `The record has none: they are seen while somebody watches${since}.`;
}

function pictureOf(state: State, trends: Trends, now: Seconds): Picture {
  const step = state.plant?.step ?? 1;
  const speed = state.clock?.speed ?? 1;
  // a record that is shorter than the span fills the charts all the same
  const oldest = Math.min(trends.oldest ?? now, now - SHORTEST_WINDOW);
  const live = { from: Math.max(now - state.span, oldest), to: now };
  const { from, to } = state.piece ?? live;
  const fan = state.piece === null && state.ahead.isOn ? state.ahead.fan : null;
  return {
    from,
    to: fan === null ? to : Math.max(to, fan.to),
    now: to,
    gap: Math.max(GAP.least, GAP.ticks * step, GAP.records * trends.recorded, GAP.wall * speed),
    shades: shadesOf(state.alarms.values(), trends.twin, from, to),
    limits: state.twins.get(trends.twin)?.limits ?? [],
    extents: trends.extents,
    fan,
    theme: state.theme,
  };
}

/** When an alarm said that this twin and its asset were apart. */
function shadesOf(alarms: Iterable<Alarm>, twin: string, from: Seconds, now: Seconds): Shade[] {
  return [...alarms]
    .filter((alarm) => alarm.twin === twin && alarm.name === 'divergence')
    .map((alarm) => ({ from: alarm.raised, to: alarm.returned ?? now }))
    .filter((shade) => shade.to >= from);
}
