import { clockText } from '../format/clock';
import { durationText } from '../format/time';
import { countText } from '../format/value';
import type { Device, Seconds } from '../protocol';
import { hashOf } from '../route';
import { GROUPS } from '../system/Counters';

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
      <Troubles counters={counters} />
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

/** What went wrong since the start, in the words of the System page, which has the rest. */
function Troubles({ counters }: { counters: Map<string, number> }) {
  const troubles = GROUPS.flatMap((group) => group.counters).filter(
    ([name, , isTrouble]) => isTrouble && (counters.get(name) ?? 0) > 0,
  );
  return (
    <div class="troubles">
      <dl>
        {troubles.map(([name, meaning]) => (
          <div key={name} data-testid={`trouble-${name}`}>
            <dt>{meaning}</dt>
            <dd>{countText(counters.get(name) ?? 0)}</dd>
          </div>
        ))}
      </dl>
      <a href={hashOf('system')}>All counters</a>
    </div>
  );
}
