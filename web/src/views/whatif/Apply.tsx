/** From a case to the plant: its commands, through the gate, with what the gate says. */
import { whyNot } from '../../access';
import { type Draft, type Wish, wishesOf } from '../../forecast/draft';
import type { Bench, Order } from '../../forecast/study';
import { unitText } from '../../format/unit';
import { numberText } from '../../format/value';
import { standingOf, standingText } from '../../gate';
import type { State } from '../../state';
import { hueText } from './FanChart';

interface Props {
  draft: Draft;
  state: State;
  bench: Bench;
}

export function Apply({ draft, state, bench }: Props) {
  const offered = draft.cases
    .map((one, index) => ({ one, index, wishes: wishesOf(one, draft.cases[0]) }))
    .filter(({ wishes }) => wishes.length > 0);
  if (offered.length === 0) return null;
  const refusal = whyNot(state.access, 'command');
  return (
    <section class="panel" aria-labelledby="apply-title" data-testid="apply">
      <header class="panel-head">
        <h2 id="apply-title">Do it</h2>
        <span class="panel-note">{refusal ?? 'each command goes through the gate'}</span>
      </header>
      {offered.map(({ one, index, wishes }) => (
        <div key={one.name} class="apply-case">
          <h3>
            <span class="case-dot" style={{ background: hueText(index) }} aria-hidden="true" /> {one.name}
          </h3>
          {wishes.map((wish) => (
            <WishRow
              key={wish.actuator}
              wish={wish}
              reason={`what if: ${one.name}`}
              state={state}
              bench={bench}
              isRefused={refusal !== null}
            />
          ))}
        </div>
      ))}
    </section>
  );
}

interface WishProps {
  wish: Wish;
  reason: string;
  state: State;
  bench: Bench;
  isRefused: boolean;
}

function WishRow({ wish, reason, state, bench, isRefused }: WishProps) {
  const { actuator, value } = wish;
  const unit = state.channels.get(actuator)?.unit ?? '1';
  const isBusy = isRefused || bench.study.orders.get(actuator)?.kind === 'sent';
  const standing = standingText(standingOf(state.gate, actuator));
  return (
    <div class="wish">
      <span>
        {actuator} ← <strong>{numberText(value, unit)}</strong> {unitText(unit)}
      </span>
      <span class="wish-deeds">
        <button
          type="button"
          class="button"
          disabled={isBusy}
          title="A dry run: all checks, the simulation too, and nothing is handed over"
          data-testid={`try-${actuator}-${value}`}
          onClick={() => bench.actions.order(actuator, value, reason, true)}
        >
          Try
        </button>
        <button
          type="button"
          class="button"
          disabled={isBusy}
          data-testid={`apply-${actuator}-${value}`}
          onClick={() => bench.actions.order(actuator, value, reason, false)}
        >
          Apply
        </button>
      </span>
      {standing !== null && (
        <p class="wish-standing" data-testid={`standing-${actuator}`}>
          {standing}
        </p>
      )}
      <Answer order={bench.study.orders.get(actuator)} actuator={actuator} state={state} />
    </div>
  );
}

/** What the gate has said of the newest command to this actuator, and how it went on. */
function Answer({ order, actuator, state }: { order: Order | undefined; actuator: string; state: State }) {
  if (order === undefined) return null;
  const command = order.kind === 'taken' ? state.commands.get(order.command) : undefined;
  const text =
    order.kind === 'sent'
      ? 'asked the gate …'
      : order.kind === 'refused'
        ? `refused: ${order.why}`
        : order.kind === 'tried'
          ? order.says
          : command === undefined
            ? `command ${order.command} was taken`
            : [command.state, command.detail].filter((part) => part !== '').join(': ');
  const outcome = order.kind === 'refused' ? 'refused' : (command?.state ?? order.kind);
  return (
    <p class="wish-answer" data-state={outcome} data-testid={`answer-${actuator}`} role="status">
      {text}
    </p>
  );
}
