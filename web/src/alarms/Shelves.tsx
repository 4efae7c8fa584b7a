/** What nobody wants to hear of: shelved for a while, or suppressed until further notice. */
import { whyNot } from '../access';
import { isHidden, rightFor } from '../alarms';
import { dateTimeText, durationText } from '../format/time';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import { get } from '../rest';
import { plantTime } from '../state';
import { Loaded } from '../views/Loaded';
import { readShelves, type Shelf } from './dossier';

export function Shelves({ state, actions }: PageProps) {
  // whatever is done about alarms changes one of them, and then this list may have changed too
  const key = [...state.alarms.values()].map((alarm) => `${alarm.id}.${alarm.revision}.${isHidden(alarm)}`).join();
  const [load, reload] = useLoad(async (signal) => readShelves(await get('alarms/shelved', signal)), key);
  return (
    <Loaded load={load} retry={reload} lines={3}>
      {(shelves) =>
        shelves.length === 0 ? (
          <p class="empty">
            Nothing is shelved or suppressed. Choose an alarm to shelve it while somebody works on its cause.
          </p>
        ) : (
          <ul class="alarm-rows" data-testid="shelves">
            {shelves.map((shelf) => (
              <ShelfRow
                key={`${shelf.twin}.${shelf.name}.${shelf.kind}`}
                shelf={shelf}
                state={state}
                actions={actions}
              />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function ShelfRow({ shelf, state, actions }: PageProps & { shelf: Shelf }) {
  const { alarm, twin, name, kind, until, by, comment, since } = shelf;
  const deed = kind === 'shelved' ? 'unshelve' : 'unsuppress';
  const refusal = whyNot(state.access, rightFor(deed));
  const now = plantTime(state);
  return (
    <li class="alarm-row shelf" data-testid={`shelf-${twin}.${name}`}>
      <div class="alarm-link">
        <span class="alarm-what">
          <strong>{twin === '' ? name : twin}</strong>
          <span class="alarm-name">{twin === '' ? '' : name.replaceAll('_', ' ')}</span>
        </span>
        <span class="alarm-when">
          {until === null ? 'until further notice' : `for another ${durationText(Math.max(0, until - (now ?? until)))}`}
        </span>
        <span class="alarm-says">{comment === '' ? 'No reason was given.' : comment}</span>
        <span class="alarm-state">
          {kind} {by !== '' && `by ${by}`} {since !== null && `since ${dateTimeText(since)}`}
        </span>
      </div>
      <button
        type="button"
        class="button"
        disabled={refusal !== null}
        title={refusal ?? undefined}
        onClick={() => actions.ask(alarm, deed)}
      >
        {kind === 'shelved' ? 'Unshelve' : 'Unsuppress'}
      </button>
    </li>
  );
}
