/** What can be done about an alarm. What one may not do stands there all the same, with the reason. */
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import { rightFor, whyUndoable } from '../alarms';
import type { PageProps } from '../pages';
import type { Alarm, Deed } from '../protocol';

interface Props extends PageProps {
  alarm: Alarm;
}

/** How long work on a cause may take: label, seconds. */
const SHELF_TIMES: [string, number][] = [
  ['15 min', 900],
  ['1 h', 3600],
  ['4 h', 4 * 3600],
  ['8 h', 8 * 3600],
  ['24 h', 24 * 3600],
];
const USUAL_SHELF_TIME = 3600;

const COMMENT_MOST = 400;

export function Deeds({ alarm, state, actions }: Props) {
  const [comment, setComment] = useState('');
  const [seconds, setSeconds] = useState(USUAL_SHELF_TIME);
  const asked = state.asked.get(alarm.id);

  function button(deed: Deed, label: string, isMain = false) {
    const refusal = whyNot(state.access, rightFor(deed)) ?? whyUndoable(alarm, deed);
    const isEmpty = deed === 'comment' && comment.trim() === '';
    const isSent = asked?.kind === 'sent';
    return (
      <button
        type="button"
        class={isMain ? 'button button-main' : 'button'}
        data-testid={`do-${deed}`}
        disabled={refusal !== null || isSent || isEmpty}
        title={refusal ?? (isEmpty ? 'Write something first.' : undefined)}
        onClick={() => act(deed)}
      >
        {isSent && asked.deed === deed ? '…' : label}
      </button>
    );
  }

  function act(deed: Deed): void {
    const words = comment.trim() === '' ? {} : { comment: comment.trim() };
    actions.ask(alarm.id, deed, deed === 'shelve' ? { ...words, seconds } : words);
    setComment('');
  }

  return (
    <div class="deeds">
      <textarea
        class="deed-comment"
        rows={1}
        maxLength={COMMENT_MOST}
        placeholder="A word on it, for the record"
        aria-label="Comment"
        data-testid="deed-comment"
        value={comment}
        onInput={(event) => setComment(event.currentTarget.value)}
      />
      <div class="deed-buttons">
        {button('acknowledge', 'Acknowledge', true)}
        {button('comment', 'Comment')}
        {alarm.shelved === null ? (
          <span class="deed-pair">
            {button('shelve', 'Shelve')}
            <select
              class="filter-choice"
              aria-label="For how long it is shelved"
              data-testid="shelf-time"
              value={seconds}
              onChange={(event) => setSeconds(Number(event.currentTarget.value))}
            >
              {SHELF_TIMES.map(([label, length]) => (
                <option key={length} value={length}>
                  for {label}
                </option>
              ))}
            </select>
          </span>
        ) : (
          button('unshelve', 'Unshelve')
        )}
        {alarm.suppressed ? button('unsuppress', 'Unsuppress') : button('suppress', 'Suppress')}
      </div>
      {asked?.kind === 'refused' && (
        <p class="refusal" role="alert">
          Not done: {asked.why}
        </p>
      )}
    </div>
  );
}
