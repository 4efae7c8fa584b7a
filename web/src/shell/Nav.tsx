/** The way to the pages: at the side, or at the bottom of a phone. */
import { whyNot } from '../access';
import { isUnseen } from '../alarms';
import { OFFERED, PAGES } from '../pages';
import { hashOf, type PageName } from '../route';
import type { State } from '../state';
import { PageIcon } from './icons';

export function Nav({ state }: { state: State }) {
  return (
    <nav class="nav" aria-label="Pages">
      <ul>
        {OFFERED.map((page) => (
          <li key={page}>
            <NavLink page={page} state={state} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NavLink({ page, state }: { page: PageName; state: State }) {
  const { name, right } = PAGES[page];
  const refusal = right === null ? null : whyNot(state.access, right);
  const isTwins = page === 'plant' || page === 'twin';
  const unseen = page === 'alarms' ? [...state.alarms.values()].filter(isUnseen).length : 0;
  return (
    <a
      class="nav-link"
      href={hashOf(page, isTwins ? state.selected : null)}
      aria-current={state.route.page === page ? 'page' : undefined}
      data-testid={`nav-${page}`}
      data-refused={refusal !== null}
      title={refusal ?? undefined}
    >
      <PageIcon page={page} />
      <span class="nav-name">{name}</span>
      {unseen > 0 && (
        <span class="nav-count" data-testid="nav-unseen">
          {unseen > MOST_SHOWN ? `${MOST_SHOWN}+` : unseen}
          <span class="unseen"> not acknowledged</span>
        </span>
      )}
    </a>
  );
}

const MOST_SHOWN = 99;
