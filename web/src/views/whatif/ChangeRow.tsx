/** What becomes of one value in a case: one step or several, each by slider and number. */
import { type Change, rangeFor } from '../../forecast/draft';
import { unitText } from '../../format/unit';
import type { Channel } from '../../protocol';

interface Props {
  change: Change;
  channel: Channel | undefined;
  actuators: Channel[];
  horizon: number;
  mayVary: boolean;
  edit: (change: Change) => void;
  remove: () => void;
}

const STEPS_MOST = 6;

export function ChangeRow({ change, channel, actuators, horizon, mayVary, edit, remove }: Props) {
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
            max={Math.max(high, point.value)}
            step="any"
            value={point.value}
            onInput={(event) => editPoint(row, { value: tidy(event.currentTarget.valueAsNumber, high - low) })}
          />
          <input
            type="number"
            class="change-value"
            aria-label={`${tag}, by number`}
            step="any"
            value={point.value}
            onChange={(event) => editPoint(row, { value: event.currentTarget.valueAsNumber })}
          />
          <label class="change-at">
            from min
            <input
              type="number"
              aria-label={`${tag}, from this minute on`}
              min="0"
              max={horizon / 60}
              step="any"
              value={point.at / 60}
              onChange={(event) => editPoint(row, { at: event.currentTarget.valueAsNumber * 60 })}
            />
          </label>
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
    </div>
  );
}

function VaryRange({ vary, edit }: { vary: [number, number]; edit: (vary: [number, number]) => void }) {
  return (
    <span class="vary">
      <input
        type="number"
        step="any"
        aria-label="At least"
        value={vary[0]}
        onChange={(event) => edit([event.currentTarget.valueAsNumber, vary[1]])}
      />{' '}
      to{' '}
      <input
        type="number"
        step="any"
        aria-label="At most"
        value={vary[1]}
        onChange={(event) => edit([vary[0], event.currentTarget.valueAsNumber])}
      />
    </span>
  );
}

/** A slider's number with no more digits than its pixels tell apart. */
function tidy(value: number, range: number): number {
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(range)) - 1);
  return Number(value.toFixed(Math.min(decimals, 12)));
}
