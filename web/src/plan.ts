/** Which charts a twin has: what is drawn together, in which role, and in which order.
 *
 *  Estimates of one unit share a chart, up to as many as the eye tells apart; each has a colour, which its sensors
 *  share wherever they are drawn.
 *
 *  Takes: a twin's channels.  Gives: plans, the most important chart first.
 */
import { quantityText } from './format/unit';
import type { Channel } from './protocol';

/** How a column is drawn. */
export type Role = 'spread' | 'estimate' | 'measured' | 'innovation' | 'statistic' | 'limit' | 'held';

export interface Trace {
  role: Role;
  tag: string;
  name: string;
  doc: string;
  /** The tag of the estimate on this chart that a spread or a sensor belongs to; otherwise its own. */
  of: string;
  /** Counts the colours of the chart. */
  hue: number;
  /** Counts the sensors that share a colour, for the shape of their marks. */
  mark: number;
}

/** `sensed` has at least one sensor, `hidden` none. */
export type PlanKind = 'sensed' | 'hidden' | 'tracked' | 'innovation' | 'divergence' | 'held';

export interface Plan {
  /** The tag of the first thing on the chart. */
  id: string;
  kind: PlanKind;
  name: string;
  doc: string;
  unit: string;
  /** One per ring column, from column 1, in the order in which they are drawn. */
  traces: Trace[];
}

/** Stands in for a tag, which always has a dot, on the one chart that is about all sensors. */
const INNOVATIONS = 'innovations';

/** More lines on one chart are a tangle, and there are no more colours. */
const MOST_TOGETHER = 4;

/** The charts in their order: what is sensed, how far sensors and twin are apart, what is tracked, what nobody
 *  measures, what is held. */
export function planCharts(channels: Channel[]): Plan[] {
  const sensors = channels.filter((channel) => channel.kind === 'sensor');
  const of = (...kinds: Channel['kind'][]) => channels.filter((channel) => kinds.includes(channel.kind));
  const isSensed = (channel: Channel) => sensors.some((sensor) => sharesAxis(sensor, channel));

  const estimates = of('state', 'output', 'tracked');
  const homeless = sensors.filter((sensor) => !estimates.some((channel) => sharesAxis(sensor, channel)));
  const sensed = estimates.filter(isSensed);
  const hidden = of('state', 'output').filter((channel) => !isSensed(channel));

  // hidden states stand beside measured ones of their unit
  const groups = groupByUnit([...sensed, ...hidden]);
  const [withSensors, without] = split(groups, (group) => group.some(isSensed));
  const measured = [
    ...withSensors.map((group) => estimatesPlan('sensed', group, sensors)),
    ...homeless.map((sensor) => onePlan('sensed', sensor, [trace('measured', sensor)])),
  ];
  const tracked = groupByUnit(of('tracked').filter((channel) => !isSensed(channel)));
  return [
    ...measured,
    ...(sensors.length === 0 ? [] : [innovationsPlan(sensors, measured)]),
    ...of('statistic').map(divergencePlan),
    ...tracked.map((group) => estimatesPlan('tracked', group, [])),
    ...without.map((group) => estimatesPlan('hidden', group, [])),
    ...of('input', 'actuator').map((channel) => onePlan('held', channel, [trace('held', channel)])),
  ];
}

/** Whether a sensor belongs on the chart of `channel`: one that reports in another unit has a chart of its own. */
const sharesAxis = (sensor: Channel, channel: Channel): boolean =>
  sensor.of === channel.tag && sensor.unit === channel.unit;

function estimatesPlan(kind: PlanKind, group: Channel[], sensors: Channel[]): Plan {
  const isAlone = group.length === 1;
  const measured = group.flatMap((channel, hue) =>
    sensors
      .filter((sensor) => sharesAxis(sensor, channel))
      // a lone estimate leaves the other colours to its sensors
      .map((sensor, order) =>
        trace('measured', sensor, { of: channel.tag, hue: isAlone ? order + 1 : hue, mark: order }),
      ),
  );
  const traces = [
    ...group.map((channel, hue) => trace('spread', channel, { hue })),
    ...measured,
    ...group.map((channel, hue) => trace('estimate', channel, { hue })),
  ];
  const [first] = group;
  if (first === undefined) throw new RangeError('a group of estimates has members');
  if (isAlone) return onePlan(kind, first, traces);
  const name = quantityText(first.unit) ?? (kind === 'tracked' ? 'Parameters' : 'States');
  return { id: first.tag, kind, name, doc: '', unit: first.unit, traces };
}

/** Against an axis of many kelvins a deviation of a hundredth is not seen; in its own σ it is. */
function innovationsPlan(sensors: Channel[], measured: Plan[]): Plan {
  const drawn = measured.flatMap((plan) => plan.traces);
  const traces = sensors.map((sensor) => {
    const { hue = 0, mark = 0 } = drawn.find((trace) => trace.tag === sensor.tag) ?? {};
    return trace('innovation', sensor, { hue, mark });
  });
  return { id: INNOVATIONS, kind: 'innovation', name: 'Innovation', doc: 'measured minus expected', unit: 'σ', traces };
}

function divergencePlan(channel: Channel): Plan {
  const traces = [trace('limit', channel), trace('statistic', channel)];
  return { ...onePlan('divergence', channel, traces), name: 'Divergence', doc: 'what speaks against the twin' };
}

function onePlan(kind: PlanKind, { tag, name, doc, unit }: Channel, traces: Trace[]): Plan {
  return { id: tag, kind, name, doc, unit, traces };
}

function trace(role: Role, { tag, name, doc }: Channel, more: Partial<Trace> = {}): Trace {
  return { role, tag, name, doc, of: tag, hue: 0, mark: 0, ...more };
}

function groupByUnit(channels: Channel[]): Channel[][] {
  const groups: Channel[][] = [];
  for (const channel of channels) {
    const group = groups.find(([first, ...rest]) => first?.unit === channel.unit && rest.length + 1 < MOST_TOGETHER);
    if (group === undefined) groups.push([channel]);
    else group.push(channel);
  }
  return groups;
}

function split<T>(items: T[], holds: (item: T) => boolean): [T[], T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}
