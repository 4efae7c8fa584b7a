/** Who has changed or tried to change what, newest first. */
import '../styles/tables.css';
import { useEffect, useState } from 'preact/hooks';
import { type Entry, findEntries, readTrail, type Trail } from '../audit';
import { dateTimeText } from '../format/time';
import { newestOf } from '../load';
import type { PageProps } from '../pages';
import { get } from '../rest';
import { Choice } from '../views/Choice';
import { Loaded } from '../views/Loaded';
import { useLoad } from './useLoad';
import { usePulse } from './usePulse';

const PER_PAGE = 100;

/** How often what is new is asked for, while nobody looks at older pages. */
const LOOK_MS = 3_000;

const OUTCOMES = ['all', 'done', 'refused'] as const;

export default function AuditPage({ state }: PageProps) {
  const [before, setBefore] = useState<number | null>(null);
  const [older, setOlder] = useState<Entry[]>([]);
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<(typeof OUTCOMES)[number]>('all');
  const pulse = usePulse(LOOK_MS);
  const round = before === null ? `newest ${pulse}` : before;
  const [load, reload] = useLoad((signal) => loadTrail(before, signal), `${round} ${state.access?.user}`);

  const page = newestOf(load);
  useEffect(() => {
    if (before === null) setOlder([]);
  }, [before]);

  function showOlder(trail: Trail): void {
    setOlder([...older, ...trail.entries]);
    setBefore(trail.next);
  }

  return (
    <section class="panel" aria-labelledby="audit-title" data-testid="audit">
      <header class="panel-head panel-tools">
        <h2 id="audit-title">Audit trail</h2>
        <input
          type="search"
          class="filter-text"
          placeholder="Filter by anything in it"
          aria-label="Filter the audit trail"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Choice name="outcome" label="Outcome" of={OUTCOMES} chosen={outcome} choose={setOutcome} />
      </header>
      <Loaded load={load} retry={reload} lines={8}>
        {(trail) => (
          <EntryTable
            entries={findEntries(merge(older, trail.entries), text, outcome)}
            isFiltered={text !== '' || outcome !== 'all'}
          />
        )}
      </Loaded>
      <footer class="panel-foot">
        {page !== null && page.next !== null && (
          <button
            type="button"
            class="button"
            data-testid="audit-older"
            disabled={load.kind === 'loading' && before !== null}
            onClick={() => showOlder(page)}
          >
            {load.kind === 'loading' && before !== null ? 'Loading …' : 'Show older'}
          </button>
        )}
        {before !== null && (
          <button type="button" class="button" data-testid="audit-newest" onClick={() => setBefore(null)}>
            Back to the newest
          </button>
        )}
        <p class="panel-hint">
          Every entry's hash covers the one before it. <code>pollux audit verify PLANT</code> on the server finds out
          whether any was changed or taken away since.
        </p>
      </footer>
    </section>
  );
}

async function loadTrail(before: number | null, signal: AbortSignal): Promise<Trail> {
  const from = before === null ? '' : `&before=${before}`;
  return readTrail(await get(`audit?limit=${PER_PAGE}${from}`, signal));
}

/** While a page is on its way, the one before it is still what was loaded last. */
const merge = (older: Entry[], newest: Entry[]): Entry[] => [
  ...older,
  ...newest.filter((entry) => !older.some(({ seq }) => seq === entry.seq)),
];

function EntryTable({ entries, isFiltered }: { entries: Entry[]; isFiltered: boolean }) {
  if (entries.length === 0) {
    return (
      <p class="empty">
        {isFiltered ? 'Nothing of what was loaded fits the filter.' : 'Nothing has been changed or refused so far.'}
      </p>
    );
  }
  return (
    <div class="scroll-x">
      <table class="grid-table stacked">
        <thead>
          <tr>
            <th>Time (UTC)</th>
            <th>Who</th>
            <th>Action</th>
            <th>Target</th>
            <th>Outcome</th>
            <th>Detail</th>
            <th>Hash</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <EntryRow key={entry.seq} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EntryRow({ entry }: { entry: Entry }) {
  const { seq, time, who, role, peer, action, target, outcome, detail, hash } = entry;
  return (
    <tr data-testid={`audit-${seq}`} data-outcome={outcome}>
      <td class="nowrap" title={`entry ${seq}`}>
        {dateTimeText(time)}
      </td>
      <td class="anywhere">
        {who || '–'} <small>{[role, peer === who ? '' : peer].filter((part) => part !== '').join(', ')}</small>
      </td>
      <td>{action}</td>
      <td class="anywhere">{target}</td>
      <td class="outcome">{outcome}</td>
      <td class="anywhere">{detail}</td>
      <td class="mono" title={hash} data-name="hash">
        {hash.slice(0, 8)}
      </td>
    </tr>
  );
}
