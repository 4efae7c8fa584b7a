/** Who brings samples and obeys commands, what became of it, and how their clocks go. */
import '../styles/tables.css';
import '../styles/system.css';
import { DevicePanel } from '../devices/DevicePanel';
import { clockText } from '../format/clock';
import { durationText } from '../format/time';
import { countText, rateText } from '../format/value';
import type { PageProps } from '../pages';
import type { Device, Seconds } from '../protocol';
import type { Ring } from '../ring';
import { plantTime, type State } from '../state';
import { Connectors } from '../views/Connectors';
import { Skeleton } from '../views/Loaded';
import { NoConnection } from '../views/Notice';
import { Sparkline } from '../views/Sparkline';

export default function ConnectionsPage({ state, actions }: PageProps) {
  const { plant, devices, link } = state;
  if (plant === null && link.kind === 'offline') {
    return <NoConnection link={link} wall={state.wall} retry={actions.retry} />;
  }
  const guests = devices.filter((device) => device.way === null);
  return (
    <div class="connections">
      <Connectors connectors={devices} now={plantTime(state)} />
      <Devices state={state} devices={guests} />
      {plant !== null && <DevicePanel state={state} />}
    </div>
  );
}

/** Who has come by itself. */
function Devices({ state, devices }: { state: State; devices: Device[] }) {
  const { plant } = state;
  const connected = devices.filter((device) => device.connected).length;
  return (
    <section class="panel" aria-labelledby="connections-title" data-testid="connections">
      <header class="panel-head">
        <h2 id="connections-title">Devices</h2>
        <span class="count">{devices.length}</span>
        {devices.length > 0 && (
          <span class="panel-note">
            {connected} connected, {countText(devices.reduce((sum, { samples }) => sum + samples, 0))} samples
          </span>
        )}
      </header>
      {plant === null ? <Skeleton lines={4} /> : devices.length === 0 ? <Nobody /> : null}
      {devices.length > 0 && (
        <div class="scroll-x">
          <table class="grid-table stacked">
            <thead>
              <tr>
                <th>Device</th>
                <th>State</th>
                <th>Last sample</th>
                <th class="number">Samples</th>
                <th>Rate, ten minutes</th>
                <th>Not used</th>
                <th>Clock</th>
              </tr>
            </thead>
            <tbody>
              {devices.map((device) => (
                <DeviceRow
                  key={device.name}
                  device={device}
                  now={plantTime(state)}
                  ring={state.pulse.devices.get(device.name) ?? null}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Nobody() {
  return (
    <p class="empty">
      No device has connected. A device opens a WebSocket to this server and says which tags it provides; without
      hardware at hand, start the emulated plant with <code>pollux emulate</code>.
    </p>
  );
}

/** What of a device's samples was not used, and why. */
const TROUBLES = {
  refused: 'that no tag takes',
  dropped: 'for which there was no room',
  late: 'that came too late',
  duplicate: 'that came twice',
  future: 'from a clock that is ahead',
} as const;

const TROUBLE_NAMES = Object.keys(TROUBLES) as (keyof typeof TROUBLES)[];

function DeviceRow({ device, now, ring }: { device: Device; now: Seconds | null; ring: Ring | null }) {
  const { name, peer, connected, samples, last, clock } = device;
  const troubles = TROUBLE_NAMES.filter((trouble) => device[trouble] > 0);
  return (
    <tr data-testid={`device-${name}`} data-connected={connected}>
      <td class="anywhere">
        <strong>{name}</strong> <small>{peer}</small>
      </td>
      <td class="device-state nowrap">
        <span class="dot" aria-hidden="true" /> {connected ? 'connected' : 'disconnected'}
      </td>
      <td class="nowrap" data-name="last sample">
        {last === null ? 'none yet' : `${durationText(Math.max((now ?? last) - last, 0))} ago`}
      </td>
      <td class="number" data-name="samples">
        {countText(samples)}
      </td>
      <td class="nowrap" data-name="rate">
        {ring !== null && (
          <span class="spark">
            <Sparkline ring={ring} column={1} version={ring.version} />
            {rateText(ring.at(1, ring.length - 1))}/s
          </span>
        )}
      </td>
      <td class="device-troubles" data-name="not used">
        {troubles.length === 0
          ? 'none'
          : troubles.map((trouble) => (
              <span key={trouble} title={`samples ${TROUBLES[trouble]}`}>
                {countText(device[trouble])} {trouble}
              </span>
            ))}
      </td>
      <td data-name="clock">
        {clock === null ? (
          <small title="where devices carry the time, and before it is measured">not measured</small>
        ) : (
          clockText(clock)
        )}
      </td>
    </tr>
  );
}
