/** What becomes of one value in a case: one step or several, each by slider and number. */
import { type Change, isCommand, rangeFor, tidy } from '../../forecast/draft';
import { unitText } from '../../format/unit';
import type { Channel } from '../../protocol';
import { NumberInput } from '../NumberInput';

interface Props {
  change: Change;
  channel: Channel | undefined;
  actuators: Channel[];
  horizon: number;
  mayVary: boolean;
  /** Whether controllers act, which set some of the inputs. */
  isControlled: boolean;
  edit: (change: Change) => void;
  remove: () => void;
}

const STEPS_MOST = 6;

export function ChangeRow({ change, channel, actuators, horizon, mayVary, isControlled, edit, remove }: Props) {
  const { tag, points, vary, order } = change;
  const unit = channel?.unit ?? '1';
  const [low, high] = vary ?? rangeFor(channel ?? { min: null, max: null }, points[0]?.value ?? 0);
  const editPoint = (row: number, more: Partial<Change['points'][number]>) =>
    edit({ ...change, points: points.map((point, other) => (other === row ? { ...point, ...more } : point)) });
  const last = points.at(-1) ?? { at: 0, value: 0 };
  return (
    <div class="change" data-testid={`change-${tag}`}>
      <div class="change-head">
        <strong title={channel?.doc}>{tag}</strong> <small>{unitText(unit)}</small>
        <button type="button" class="button" aria-label={`Leave ${tag} as it is`} onClick={remove}>
          ×
        </button>
      </div>
      {points.map((point, row) => (
        <div key={row} class="change-step">
          <input
            type="range"
            aria-label={`${tag}, by slider`}
            min={low}
            max={Math.max(high, point.value || 0)}
            step="any"
            value={point.value}
            onInput={(event) => editPoint(row, { value: tidy(event.currentTarget.valueAsNumber, high - low) })}
          />
          <NumberInput label={`${tag}, by number`} value={point.value} onValue={(value) => editPoint(row, { value })} />
          <span class="change-at">
            from min
            <NumberInput
              label={`${tag}, from this minute on`}
              min={0}
              max={horizon / 60}
              value={point.at / 60}
              onValue={(minutes) => editPoint(row, { at: minutes * 60 })}
            />
          </span>
        </div>
      ))}
      <div class="change-more">
        {points.length < STEPS_MOST && (
          <button
            type="button"
            class="link"
            onClick={() => edit({ ...change, points: [...points, { ...last, at: (last.at + horizon) / 2 }] })}
          >
            and then
          </button>
        )}
        {mayVary && (
          <label>
            <input
              type="checkbox"
              data-testid={`vary-${tag}`}
              checked={vary !== null}
              onChange={(event) => edit({ ...change, vary: event.currentTarget.checked ? [low, high] : null })}
            />{' '}
            let it vary
          </label>
        )}
        {vary !== null && <VaryRange vary={vary} edit={(next) => edit({ ...change, vary: next })} />}
        {actuators.length > 0 && channel?.kind === 'input' && (
          <label title="Which actuator is told to do this, when the case is applied">
            by{' '}
            <select
              value={order ?? ''}
              aria-label={`Actuator for ${tag}`}
              onChange={(event) => edit({ ...change, order: event.currentTarget.value || null })}
            >
              <option value="">no command</option>
              {actuators
                .filter((actuator) => actuator.unit === unit)
                .map((actuator) => (
                  <option key={actuator.tag} value={actuator.tag}>
                    {actuator.tag}
                  </option>
                ))}
            </select>
          </label>
        )}
      </div>
      {isControlled && order !== null && !isCommand(change) && (
        <p class="change-more">
          The controllers may set it otherwise.
          <button type="button" class="link" onClick={() => edit({ ...change, tag: order })}>
            change {order} instead
          </button>
        </p>
      )}
    </div>
  );
}

function VaryRange({ vary, edit }: { vary: [number, number]; edit: (vary: [number, number]) => void }) {
  return (
    <span class="vary">
      <NumberInput label="At least" value={vary[0]} onValue={(low) => edit([low, vary[1]])} /> to{' '}
      <NumberInput label="At most" value={vary[1]} onValue={(high) => edit([vary[0], high])} />
    </span>
  );
}
