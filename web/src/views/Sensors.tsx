/** How well each sensor agrees with the twin: the last innovation in its own standard deviations. */

import { durationText } from '../format/time';
import { unitText } from '../format/unit';
import { numberText, sigmas } from '../format/value';
import type { Channel, Seconds, SensorHealth, SensorQuality } from '../protocol';
import type { State } from '../state';
import type { Trends } from '../trends';

interface Props {
  state: State;
  trends: Trends;
  now: Seconds;
}

export function Sensors({ state, trends, now }: Props) {
  const channels = state.twins.get(trends.twin)?.channels.filter((channel) => channel.kind === 'sensor') ?? [];
  const health = state.health.get(trends.twin)?.sensors;
  if (channels.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="sensors-title" data-testid="sensors">
      <header class="panel-head">
        <h2 id="sensors-title">Sensors</h2>
        <span class="panel-note">measured minus expected, in σ</span>
      </header>
      <table class="table sensors">
        <tbody>
          {channels.map((channel) => (
            <SensorRow
              key={channel.tag}
              channel={channel}
              value={state.values.get(channel.tag)?.value ?? Number.NaN}
              age={ageOf(state, channel, now)}
              health={health?.get(channel.name)}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  channel: Channel;
  value: number;
  age: Seconds | null;
  health: SensorHealth | undefined;
}

const QUALITIES: Record<SensorQuality, string> = { good: 'good', diverged: 'taken out', silent: 'silent' };

function SensorRow({ channel, value, age, health }: RowProps) {
  const quality = health?.quality ?? 'good';
  return (
    <tr data-testid={`sensor-${channel.tag}`} data-quality={quality}>
      <th scope="row" title={channel.doc}>
        {channel.name}
      </th>
      <td class="number">
        {numberText(value, channel.unit)} {unitText(channel.unit)}
      </td>
      <td>{health !== undefined && isKnown(health) && <Deviation innovation={health.innovation} sd={health.sd} />}</td>
      <td class="quality" title={age === null ? '' : `last sample ${durationText(age)} before the twin's time`}>
        {QUALITIES[quality]}
      </td>
    </tr>
  );
}

const isKnown = (health: SensorHealth): health is SensorHealth & { innovation: number; sd: number } =>
  health.innovation !== null && health.sd !== null && health.sd > 0;

/** The scale ends here; what lies beyond is far out anyway. */
const SCALE_ENDS = 4;

interface DeviationProps {
  innovation: number;
  /** Positive, in the unit of the innovation. */
  sd: number;
}

/** Where an innovation lies on a scale of its own standard deviations. */
export function Deviation({ innovation, sd }: DeviationProps) {
  const deviation = innovation / sd;
  const place = (Math.min(Math.max(deviation / SCALE_ENDS, -1), 1) + 1) / 2;
  return (
    <div class="deviation">
      <div class="deviation-track" aria-hidden="true">
        <div class="deviation-mark" style={{ left: `${place * 100}%` }} data-far={Math.abs(deviation) > 2} />
      </div>
      <span class="number">{sigmas(deviation).value}</span>
    </div>
  );
}

function ageOf({ values }: State, { tag }: Channel, now: Seconds): Seconds | null {
  const time = values.get(tag)?.time ?? null;
  return time === null ? null : Math.max(now - time, 0);
}
