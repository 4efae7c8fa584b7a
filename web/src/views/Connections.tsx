import { clockText } from '../format/clock';
import { durationText } from '../format/time';
import { countText } from '../format/value';
import type { Device, Seconds } from '../protocol';

interface Props {
  devices: Device[];
  counters: Map<string, number>;
  now: Seconds;
}

/** Who brings samples, and what became of them. */
export function Connections({ devices, counters, now }: Props) {
  return (
    <section class="panel" aria-labelledby="connections-title" data-testid="connections">
      <header class="panel-head">
        <h2 id="connections-title">Connections</h2>
      </header>
      {devices.length === 0 ? (
        <p class="empty">No device has connected.</p>
      ) : (
        <ul class="device-list">
          {devices.map((device) => (
            <DeviceRow key={device.name} device={device} now={now} />
          ))}
        </ul>
      )}
      <Counters counters={counters} />
    </section>
  );
}

function DeviceRow({ device, now }: { device: Device; now: Seconds }) {
  const { name, peer, connected, samples, last, clock } = device;
  const troubles = DEVICE_TROUBLES.filter((trouble) => device[trouble] > 0);
  return (
    <li class="device" data-testid={`device-${name}`} data-connected={connected}>
      <span class="dot" aria-hidden="true" />
      <span class="device-name">{name}</span>
      <span class="device-state">{connected ? 'connected' : 'disconnected'}</span>
      <span class="device-detail">
        {peer}
        {last !== null && `, last sample ${durationText(Math.max(now - last, 0))} ago`}
      </span>
      <span class="device-counts">
        {countText(samples)} samples
        {troubles.map((trouble) => `, ${countText(device[trouble])} ${trouble}`)}
      </span>
      {clock !== null && <span class="device-clock">{clockText(clock)}</span>}
    </li>
  );
}

/** What of a device's samples was not used. */
const DEVICE_TROUBLES = ['refused', 'dropped', 'late', 'duplicate', 'future'] as const;

/** What should stay at zero. */
const TROUBLES = ['overruns', 'late', 'duplicate', 'future', 'refused', 'dropped', 'handler_errors', 'quarantined'];

export function Counters({ counters }: { counters: Map<string, number> }) {
  if (counters.size === 0) return null;
  return (
    <dl class="counters" aria-label="Counters of the engine">
      {[...counters].map(([name, count]) => (
        <div key={name} data-testid={`counter-${name}`} data-trouble={TROUBLES.includes(name) && count > 0}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          <dd>{countText(count)}</dd>
        </div>
      ))}
    </dl>
  );
}
