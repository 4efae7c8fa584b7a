/** Above the charts: which time they show, the way back, what is ahead, and all of it as a table. */
import type { Actions } from '../app';
import type { Picture } from '../charts/plot';
import { dateTimeText, durationText, spanText, timeText } from '../format/time';
import { exportAddress } from '../history';
import type { State } from '../state';
import type { Trends } from '../trends';
import { type Piece, SPANS, shifted, stretched } from '../window';

interface Props {
  state: State;
  actions: Actions;
  trends: Trends;
  picture: Picture;
}

export function ChartTools({ state, actions, trends, picture }: Props) {
  const { piece, ahead } = state;
  const shown: Piece = { from: picture.from, to: picture.now };
  const newest = state.clock?.time ?? picture.now;
  return (
    <div class="toolbar">
      <h2 title="Marks are samples, lines the twin with ±1 and ±2 σ. Drag over a chart to zoom.">
        Measured and estimated
      </h2>
      <span class="cursor-time" data-testid="cursor-time">
        {cursorText(state)}
      </span>
      <SpanChoice state={state} showSpan={actions.showSpan} />
      <div class="time-tools">
        <Tool label="Earlier" sign="‹" act={() => actions.showPiece(shifted(shown, -0.5, newest))} />
        <Tool
          label="Later"
          sign="›"
          act={() => actions.showPiece(shifted(shown, 0.5, newest))}
          disabled={piece === null}
        />
        <Tool label="A shorter time" sign="+" act={() => actions.showPiece(stretched(shown, 0.5, newest))} />
        <Tool label="A longer time" sign="−" act={() => actions.showPiece(stretched(shown, 2, newest))} />
        <button
          type="button"
          class="button"
          data-testid="back"
          disabled={state.earlier.length === 0}
          onClick={actions.goBack}
        >
          Back
        </button>
        <button
          type="button"
          class="button"
          data-testid="live"
          aria-pressed={piece === null}
          disabled={piece === null}
          onClick={() => actions.showPiece(null)}
        >
          Live
        </button>
        <label
          class="ahead-choice"
          title="Look ahead from now: bands hold 68 and 95 % of what may come, inputs stay as they are"
        >
          <input
            type="checkbox"
            data-testid="ahead"
            checked={ahead.isOn}
            disabled={piece !== null}
            onChange={(event) => actions.lookAhead(event.currentTarget.checked)}
          />
          ahead
        </label>
        {state.history.kind !== 'none' && (
          <a class="button" data-testid="csv" href={exportAddress(trends.tags, shown)} download={`${trends.twin}.csv`}>
            CSV
          </a>
        )}
        <span class="piece" data-testid="piece">
          {piece === null
            ? state.history.kind === 'none'
              ? 'no history is kept: the charts begin with this visit'
              : 'drag over a chart to zoom'
            : `${dateTimeText(piece.from)} to ${dateTimeText(piece.to)}, ${durationText(piece.to - piece.from)}`}
        </span>
      </div>
      {ahead.isOn && ahead.why !== '' && (
        <p class="piece" role="alert">
          Nothing ahead: {ahead.why}
        </p>
      )}
    </div>
  );
}

function cursorText({ cursor, history, piece, past }: State): string {
  if (cursor !== null) return `at ${timeText(cursor)}`;
  return history.kind === 'loading' || (piece !== null && past === null) ? 'loading the record …' : '';
}

interface ToolProps {
  label: string;
  sign: string;
  act: () => void;
  disabled?: boolean;
}

function Tool({ label, sign, act, disabled = false }: ToolProps) {
  return (
    <button type="button" class="button tool" aria-label={label} title={label} disabled={disabled} onClick={act}>
      {sign}
    </button>
  );
}

function SpanChoice({ state, showSpan }: { state: State; showSpan: Actions['showSpan'] }) {
  return (
    <fieldset class="segments spans">
      <legend class="unseen">Plant time shown</legend>
      {SPANS.map((span) => (
        <label key={span}>
          <input
            type="radio"
            name="span"
            value={span}
            checked={span === state.span && state.piece === null}
            onChange={() => showSpan(span)}
          />
          <span>{spanText(span)}</span>
        </label>
      ))}
    </fieldset>
  );
}
