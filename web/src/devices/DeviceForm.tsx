/** One device: what it offers and is bound to, what can be done about it, and how it is to be set. */
import { useState } from 'preact/hooks';
import { bindingsPatch, type DeviceDetail, readCandidates, readDevice, readToken } from '../devices';
import { newestOf } from '../load';
import { useLoad } from '../pages/useLoad';
import { get } from '../rest';
import { Loaded } from '../views/Loaded';
import { Bindings } from './Bindings';
import { TwinEditor } from './TwinEditor';
import { useDeed } from './useDeed';

interface Props {
  name: string;
  /** Another number whenever it is to be looked at again. */
  pulse: number;
  /** Those that could take its place. */
  others: string[];
  /** Why one may not change anything; null where one may. */
  refusal: string | null;
  changed: () => void;
  /** It is forgotten. */
  gone: () => void;
}

export function DeviceForm({ name, pulse, others, refusal, changed, gone }: Props) {
  const path = `devices/${encodeURIComponent(name)}`;
  const [token, setToken] = useState<string | null>(null);
  const [load, reload] = useLoad(async (signal) => readDevice(await get(path, signal)), `${name} ${pulse}`);
  const [candidates] = useLoad(async (signal) => readCandidates(await get(`${path}/candidates`, signal)), name);
  const told = () => {
    reload();
    changed();
  };
  return (
    <div class="device-form" data-testid={`form-${name}`}>
      {token !== null && <Token token={token} />}
      <Loaded load={load} retry={reload}>
        {(device) => (
          <>
            <p class="panel-hint">
              {device.callsItself !== name && `It calls itself ${device.callsItself}. `}
              {device.subject !== null && `It showed the certificate of ${device.subject}. `}
              {device.claimedBy !== null && `Claimed by ${device.claimedBy}. `}
              {device.state === 'direct' && 'It offers the plant’s own tags, and needs no binding.'}
            </p>
            <Acts
              device={device}
              path={path}
              others={others}
              refusal={refusal}
              done={told}
              gone={gone}
              giveToken={setToken}
            >
              {(chosen, choose) => (
                <Bindings device={device} candidates={newestOf(candidates)} chosen={chosen} choose={choose} />
              )}
            </Acts>
            {device.state !== 'unclaimed' && (
              <TwinEditor
                key={`${device.name} ${device.desired.version}`}
                device={device}
                path={path}
                refusal={refusal}
                done={told}
              />
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}

/** It is told this once: who leaves the page without it has to claim the device anew. */
function Token({ token }: { token: string }) {
  return (
    <p class="device-token" role="status">
      The device shows this token from now on. Keep it now: it is not shown again.
      <code data-testid="device-token">{token}</code>
    </p>
  );
}

interface ActsProps {
  device: DeviceDetail;
  path: string;
  others: string[];
  refusal: string | null;
  done: () => void;
  gone: () => void;
  giveToken: (token: string | null) => void;
  children: (chosen: Map<string, string>, choose: (name: string, tag: string) => void) => preact.ComponentChildren;
}

/** What is bound is chosen first, and counts when the button is pressed. */
function Acts({ device, path, others, refusal, done, gone, giveToken, children }: ActsProps) {
  const [chosen, setChosen] = useState(new Map<string, string>());
  const [successor, setSuccessor] = useState('');
  const deed = useDeed((answer) => {
    if (answer !== '') giveToken(readToken(answer));
    setChosen(new Map());
    done();
  });
  const forgetting = useDeed(gone);
  const bindings = bindingsPatch(device, chosen);
  const isClaimed = device.state === 'claimed';

  function button(label: string, testid: string, act: () => void, isMain = false, isIdle = false) {
    return (
      <button
        type="button"
        class={isMain ? 'button button-main' : 'button'}
        data-testid={testid}
        disabled={refusal !== null || deed.busy || isIdle}
        title={refusal ?? undefined}
        onClick={act}
      >
        {label}
      </button>
    );
  }

  return (
    <>
      {children(chosen, (name, tag) => setChosen(new Map(chosen).set(name, tag)))}
      <div class="device-acts">
        {device.state === 'unclaimed' &&
          button(
            'Claim',
            'claim',
            () => deed.ask('POST', `${path}/claim`, { bindings, session: device.session }),
            true,
          )}
        {isClaimed &&
          button('Bind', 'bind', () => deed.ask('PATCH', path, { bindings }), true, Object.keys(bindings).length === 0)}
        {isClaimed &&
          device.credential !== null &&
          button('New token', 'renew', () => deed.ask('POST', `${path}/claim`, { credential: 'token' }))}
        {device.state === 'disabled'
          ? button('Enable', 'enable', () => deed.ask('POST', `${path}/enable`))
          : button('Disable', 'disable', () => deed.ask('POST', `${path}/disable`))}
        {button('Forget', 'forget', () => forgetting.ask('DELETE', path))}
        {isClaimed && others.length > 0 && (
          <span class="device-pair">
            <select
              class="filter-choice"
              aria-label="The device that takes its place"
              data-testid="successor"
              value={successor}
              onChange={(event) => setSuccessor(event.currentTarget.value)}
            >
              <option value="">another device</option>
              {others.map((other) => (
                <option key={other}>{other}</option>
              ))}
            </select>
            {button(
              'Takes its place',
              'replace',
              () => deed.ask('POST', `${path}/replace`, { by: successor }),
              false,
              successor === '',
            )}
          </span>
        )}
      </div>
      {(deed.why ?? forgetting.why) !== null && (
        <p class="refusal" role="alert">
          Not done: {deed.why ?? forgetting.why}
        </p>
      )}
    </>
  );
}
