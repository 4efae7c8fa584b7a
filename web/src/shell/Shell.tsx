/** What is around every page: the way to the others, whose plant this is, what is wrong, and the page itself. */

import { whyNot } from '../access';
import type { Actions } from '../app';
import { PAGES, type Pages } from '../pages';
import type { State } from '../state';
import { Banner } from './Banner';
import { Finder } from './Finder';
import { GateBanner } from './GateBanner';
import { Header } from './Header';
import { Help } from './Help';
import { Nav } from './Nav';
import { PageFailed, PageOpening, PageRefused } from './PageStates';

interface Props {
  state: State;
  actions: Actions;
  pages: Pages;
}

export function Shell({ state, actions, pages }: Props) {
  document.title = titleOf(state);
  if (state.route.page === 'login') return <Page state={state} actions={actions} pages={pages} />;
  return (
    <div class="app" data-link={state.link.kind}>
      <button type="button" class="skip" onClick={skipToContent}>
        Skip to the content
      </button>
      <Nav state={state} />
      <div class="frame">
        <Header state={state} actions={actions} />
        <Banner state={state} actions={actions} />
        <GateBanner state={state} />
        <main class="content" id="content" tabIndex={-1}>
          <Page state={state} actions={actions} pages={pages} />
        </main>
      </div>
      {state.overlay === 'help' && <Help close={() => actions.show(null)} />}
      {state.overlay === 'find' && <Finder state={state} actions={actions} />}
    </div>
  );
}

function Page({ state, actions, pages }: Props) {
  const { page } = state.route;
  const { right } = PAGES[page];
  const refusal = right === null ? null : whyNot(state.access, right);
  if (refusal !== null) return <PageRefused name={PAGES[page].name} why={refusal} />;

  const Drawing = pages.get(page);
  if (Drawing === null) return <PageOpening />;
  if (Drawing instanceof Error) return <PageFailed error={Drawing} retry={() => pages.forget(page)} />;
  return <Drawing state={state} actions={actions} />;
}

const skipToContent = (): void => document.getElementById('content')?.focus();

/** The tab tells of alarms when the page is behind others. */
function titleOf({ plant, alarms, route }: State): string {
  const waiting = [...alarms.values()].filter((alarm) => alarm.state === 'raised').length;
  const place = route.page === 'plant' ? '' : `${PAGES[route.page].name} · `;
  return `${waiting > 0 ? `(${waiting}) ` : ''}${place}${plant === null ? '' : `${plant.name} · `}Pollux`;
}
