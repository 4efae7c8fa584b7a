/** The twin's actuators: what they were told, who may command them, and the way to their fail-safe values. */
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import { timeText } from '../format/time';
import { unitText } from '../format/unit';
import { numberText } from '../format/value';
import { changeMode, failSafe, MODES, type Mode, type Standing, standingOf, whyNotMode } from '../gate';
import type { Channel } from '../protocol';
import { whyOf } from '../rest';
import { Dialog } from '../shell/Dialog';
import type { State } from '../state';

export function Actuators({ state, twin }: { state: State; twin: string }) {
  const channels = (state.twins.get(twin)?.channels ?? []).filter(({ kind }) => kind === 'actuator');
  const [wrong, setWrong] = useState('');
  const [led, setLed] = useState<string | null>(null);
  if (channels.length === 0) return null;

  const attempt = (deed: Promise<void>): void => {
    setWrong('');
    deed.catch((reason: unknown) => setWrong(whyOf(reason)));
  };
  return (
    <section class="panel" aria-labelledby="actuators-title" data-testid="actuators">
      <header class="panel-head">
        <h2 id="actuators-title">Actuators</h2>
      </header>
      {channels.map((channel) => (
        <ActuatorRow key={channel.tag} channel={channel} state={state} attempt={attempt} lead={setLed} />
      ))}
      {wrong !== '' && (
        <p class="empty refusal" role="alert">
          {wrong}
        </p>
      )}
      {led !== null && (
        <Confirm
          tag={led}
          state={state}
          close={() => setLed(null)}
          confirm={(reason) => attempt(failSafe('hold', led, reason))}
        />
      )}
    </section>
  );
}

interface RowProps {
  channel: Channel;
  state: State;
  attempt: (deed: Promise<void>) => void;
  lead: (tag: string) => void;
}

function ActuatorRow({ channel: { tag, name, unit }, state, attempt, lead }: RowProps) {
  const standing = standingOf(state.gate, tag);
  const refusal = whyNot(state.access, 'command');
  const told = state.values.get(tag)?.value;
  return (
    <div class="actuator" data-testid={`actuator-${name}`} data-held={standing.held}>
      <span>
        {name} ← <strong>{told === undefined ? '–' : numberText(told, unit)}</strong> {unitText(unit)}
      </span>
      <ModeChoice tag={tag} standing={standing} state={state} attempt={attempt} />
      {standing.failSafe !== null && (
        <button
          type="button"
          class="button"
          data-testid={`${standing.held ? 'release' : 'fail-safe'}-${name}`}
          disabled={refusal !== null}
          title={refusal ?? undefined}
          onClick={() => (standing.held ? attempt(failSafe('release', tag, 'on the dashboard')) : lead(tag))}
        >
          {standing.held ? 'Release' : `Fail-safe: ${numberText(standing.failSafe, unit)} ${unitText(unit)}`}
        </button>
      )}
      <Note standing={standing} />
    </div>
  );
}

function ModeChoice({
  tag,
  standing,
  state,
  attempt,
}: Pick<RowProps, 'state' | 'attempt'> & { tag: string; standing: Standing }) {
  return (
    <select
      aria-label={`Who may command ${tag}`}
      data-testid={`mode-${tag}`}
      value={standing.mode}
      disabled={MODES.every((mode) => mode === standing.mode || whyNotMode(state.access, standing.mode, mode) !== null)}
      onChange={({ currentTarget }) => {
        const mode = currentTarget.value as Mode;
        currentTarget.value = standing.mode; // until the gate has said so
        attempt(changeMode(tag, mode, 'on the dashboard'));
      }}
    >
      {MODES.map((mode) => (
        <option key={mode} value={mode} disabled={whyNotMode(state.access, standing.mode, mode) !== null}>
          {mode}
        </option>
      ))}
    </select>
  );
}

/** Why it stands as it does, and through whom. */
function Note({ standing }: { standing: Standing }) {
  const { held, heldReason, heldSince, heldBy, mode, modeReason, modeBy } = standing;
  const [what, reason, by] = held
    ? [`held at its fail-safe value${heldSince === null ? '' : ` since ${timeText(heldSince)}`}`, heldReason, heldBy]
    : [mode === 'automatic' ? '' : mode, modeReason, modeBy];
  if (what === '') return null;
  return (
    <p class="actuator-note" role="status">
      {what}
      {reason !== '' && `: ${reason}`}
      {by !== '' && ` (${by})`}
    </p>
  );
}

interface ConfirmProps {
  tag: string;
  state: State;
  close: () => void;
  confirm: (reason: string) => void;
}

/** It moves the plant at once, past the rate limit: so it is asked for twice. */
function Confirm({ tag, state, close, confirm }: ConfirmProps) {
  const [reason, setReason] = useState('');
  const unit = state.channels.get(tag)?.unit ?? '1';
  const value = standingOf(state.gate, tag).failSafe;
  return (
    <Dialog title="To the fail-safe value" testid="confirm-fail-safe" close={close}>
      <p>
        {tag} is told <strong>{value === null ? '–' : numberText(value, unit)}</strong> {unitText(unit)} now, whatever
        its rate of change, and held there until somebody releases it.
      </p>
      <label class="field">
        Why
        <input value={reason} maxLength={100} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      <div class="dialog-deeds">
        <button type="button" class="button" onClick={close}>
          Leave it
        </button>
        <button
          type="button"
          class="button button-main"
          data-testid="do-fail-safe"
          onClick={() => {
            confirm(reason);
            close();
          }}
        >
          Write the fail-safe value
        </button>
      </div>
    </Dialog>
  );
}
