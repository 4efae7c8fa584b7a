/** Devices that have come to the plant: those that nobody has claimed yet, and those that are its own. */
import '../styles/devices.css';
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import { type DeviceBrief, type DeviceList, type HeardAddress, readDeviceList } from '../devices';
import { numberText } from '../format/value';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import { usePulse } from '../pages/usePulse';
import { get } from '../rest';
import { Loaded } from '../views/Loaded';
import { DeviceForm } from './DeviceForm';
import { Pairing } from './Pairing';

const LOOK_MS = 3000;

export function DevicePanel({ state }: Pick<PageProps, 'state'>) {
  const pulse = usePulse(LOOK_MS);
  const [open, setOpen] = useState<string | null>(null);
  const [load, reload] = useLoad(async (signal) => readDeviceList(await get('devices', signal)), pulse);
  const refusal = whyNot(state.access, 'configure');
  return (
    <section class="panel" aria-labelledby="devices-title" data-testid="devices">
      <Loaded load={load} retry={reload} lines={3}>
        {(list: DeviceList) => (
          <>
            <header class="panel-head panel-tools">
              <h2 id="devices-title">Claims</h2>
              <span class="count">{list.devices.length}</span>
              <Pairing pairing={list.pairing} refusal={refusal} done={reload} />
            </header>
            {list.devices.length === 0 && <p class="empty">No device has come so far.</p>}
            <ul class="device-list">
              {[...list.devices].sort(unclaimedFirst).map((device) => (
                <li key={device.name} data-testid={`known-${device.name}`} data-state={device.state}>
                  <button
                    type="button"
                    class="device-line"
                    aria-expanded={open === device.name}
                    onClick={() => setOpen(open === device.name ? null : device.name)}
                  >
                    <strong>{device.name}</strong>
                    <span class="device-mark">{device.state}</span>
                    <span>{device.connected ? 'here' : 'away'}</span>
                    <small>
                      {tagsText(device)}, {device.peer ?? 'never here'}
                    </small>
                  </button>
                  {open === device.name && (
                    <DeviceForm
                      name={device.name}
                      pulse={pulse}
                      others={othersOf(list, device)}
                      refusal={refusal}
                      changed={reload}
                      gone={() => {
                        setOpen(null);
                        reload();
                      }}
                    />
                  )}
                </li>
              ))}
            </ul>
            {list.addresses.length > 0 && <Addresses addresses={list.addresses} />}
          </>
        )}
      </Loaded>
    </section>
  );
}

const tagsText = ({ state, tagCount, bindingCount }: DeviceBrief): string =>
  state === 'direct' ? `${tagCount} tags of the plant’s own` : `${bindingCount} of ${tagCount} bound`;

/** What waits for somebody stands on top. */
const unclaimedFirst = (a: DeviceBrief, b: DeviceBrief): number =>
  Number(b.state === 'unclaimed') - Number(a.state === 'unclaimed') || a.name.localeCompare(b.name);

/** Those that could take a device's place. */
const othersOf = (list: DeviceList, device: DeviceBrief): string[] =>
  list.devices.filter(({ name, state }) => state === 'unclaimed' && name !== device.name).map(({ name }) => name);

/** Bindings of connectors stand in the script: here is what to write there. */
function Addresses({ addresses }: { addresses: HeardAddress[] }) {
  return (
    <div class="scroll-x" data-testid="addresses">
      <p class="panel-hint">
        Connectors have heard these, and nothing is bound to them. A line of the script&rsquo;s <code>bind</code> does
        it.
      </p>
      <table class="grid-table stacked">
        <thead>
          <tr>
            <th>Connector</th>
            <th>Address</th>
            <th class="number">Newest</th>
            <th>Line</th>
          </tr>
        </thead>
        <tbody>
          {addresses.map(({ connector, address, value, binding }) => (
            <tr key={`${connector} ${address}`}>
              <td>{connector}</td>
              <td class="anywhere">{address}</td>
              <td class="number">{value === null ? '–' : numberText(value, '')}</td>
              <td class="mono anywhere">
                {'["ASSET.SENSOR"] = '}
                {binding},
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
