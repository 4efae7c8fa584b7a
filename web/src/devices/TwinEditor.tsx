/** How a device is to be set, and how it says that it is. */
import { useState } from 'preact/hooks';
import { type DeviceDetail, mergePatch, readObject } from '../devices';
import { useDeed } from './useDeed';

interface Props {
  device: DeviceDetail;
  path: string;
  refusal: string | null;
  done: () => void;
}

const INDENT = 2;

export function TwinEditor({ device, path, refusal, done }: Props) {
  const { desired, reported } = device;
  const [written, setWritten] = useState(JSON.stringify(desired.value, null, INDENT));
  const deed = useDeed(done);
  const read = readObject(written);
  const wrong = 'why' in read ? read.why : null;

  function set(): void {
    if ('value' in read) {
      void deed.ask('PATCH', `${path}/desired?version=${desired.version}`, mergePatch(desired.value, read.value));
    }
  }

  return (
    <div class="device-twin">
      <label>
        Desired, version {desired.version}
        <textarea
          class="device-document mono"
          rows={4}
          data-testid="desired"
          value={written}
          disabled={refusal !== null}
          onInput={(event) => setWritten(event.currentTarget.value)}
        />
      </label>
      <div>
        Reported, version {reported.version}
        <pre class="device-document" data-testid="reported">
          {JSON.stringify(reported.value, null, INDENT)}
        </pre>
      </div>
      <div class="device-acts">
        <button
          type="button"
          class="button"
          data-testid="desire"
          disabled={refusal !== null || deed.busy || wrong !== null}
          title={refusal ?? wrong ?? undefined}
          onClick={set}
        >
          Set
        </button>
        <span class="panel-hint" data-testid="as-desired">
          {device.asDesired ? 'The device is as desired.' : 'The device has not done so yet.'}
        </span>
      </div>
      {(wrong ?? deed.why) !== null && (
        <p class="refusal" role="alert">
          {wrong ?? `Not done: ${deed.why}`}
        </p>
      )}
    </div>
  );
}
