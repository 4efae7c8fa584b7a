import type { Actions } from '../app';
import { durationText, wallTimeText } from '../format/time';
import type { State } from '../state';

interface Props {
  state: State;
  actions: Actions;
}

/** One line under the header on what is wrong, over a picture that stays. */
export function Banner({ state, actions }: Props) {
  const { link, plant, history, badFrames, scriptError, wall } = state;

  // without a picture the page itself says that there is no connection
  if (plant !== null && link.kind === 'offline') {
    const since = wallTimeText(link.since);
    return (
      <div class="banner banner-bad" data-testid="banner">
        <span>
          <strong>No connection since {since}.</strong> This is the last picture. {retryText(link.retryAt, wall)}
          {link.why !== '' && ` (${link.why})`}
        </span>
        <button type="button" class="button" onClick={actions.retry} disabled={link.retryAt === null}>
          Try now
        </button>
      </div>
    );
  }
  if (scriptError !== null) {
    return (
      <div class="banner banner-warn" data-testid="banner">
        <span>
          <strong>The plant's script was changed and is refused; the one before goes on.</strong> {scriptError}
        </span>
      </div>
    );
  }
  if (badFrames.count > 0) {
    return (
      <div class="banner banner-warn" data-testid="banner">
        <span>
          <strong>
            {badFrames.count} message{badFrames.count > 1 && 's'} of the server could not be read
          </strong>{' '}
          and {badFrames.count > 1 ? 'were' : 'was'} left out. The last: {badFrames.last}.
        </span>
      </div>
    );
  }
  if (history.kind === 'failed') {
    return (
      <div class="banner banner-warn" data-testid="banner">
        <span>
          <strong>Not all of the record could be loaded</strong>: {history.why}. The charts may begin with this visit.
        </span>
      </div>
    );
  }
  return null;
}

export function retryText(retryAt: number | null, wall: number): string {
  return retryAt === null ? 'Trying now …' : `Next try in ${durationText(Math.max(retryAt - wall, 0) / 1000 + 0.999)}.`;
}
