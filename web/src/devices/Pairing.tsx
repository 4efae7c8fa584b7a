/** Whether devices may come that nobody knows: where people have to log in, for some time only. */
import type { DeviceList } from '../devices';
import { dateTimeText } from '../format/time';
import { useDeed } from './useDeed';

const MINUTES = 10;

interface Props {
  pairing: DeviceList['pairing'];
  refusal: string | null;
  done: () => void;
}

export function Pairing({ pairing, refusal, done }: Props) {
  const deed = useDeed(done);
  if (pairing === null) return null;
  if (pairing.open && pairing.until === null) {
    return <span class="panel-note">whoever reaches this machine may come and wait to be claimed</span>;
  }
  const seconds = pairing.open ? 0 : MINUTES * 60;
  return (
    <span class="panel-note">
      {pairing.until !== null && `devices that nobody knows may come until ${dateTimeText(pairing.until)} `}
      <button
        type="button"
        class="button"
        data-testid="pair"
        disabled={refusal !== null || deed.busy}
        title={refusal ?? undefined}
        onClick={() => deed.ask('PUT', 'pairing', { seconds })}
      >
        {pairing.open ? 'Stop pairing' : `Pair devices for ${MINUTES} minutes`}
      </button>
      {deed.why !== null && (
        <span class="refusal" role="alert">
          {deed.why}
        </span>
      )}
    </span>
  );
}
