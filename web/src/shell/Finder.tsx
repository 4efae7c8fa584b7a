/** Find a page or a twin by a part of its name, without the mouse. */
import { useState } from 'preact/hooks';
import { OFFERED, PAGES, type PageProps } from '../pages';
import type { PageName } from '../route';
import { isFleet, type State } from '../state';
import { Dialog } from './Dialog';

interface Hit {
  page: PageName;
  item: string | null;
  name: string;
  what: string;
}

const SHOWN = 12;

export function Finder({ state, actions }: PageProps) {
  const [text, setText] = useState('');
  const [marked, setMarked] = useState(0);
  const hits = hitsOf(state, text.trim());
  const chosen = Math.min(marked, hits.length - 1);

  function open(hit: Hit | undefined): void {
    if (hit === undefined) return;
    actions.show(null);
    actions.go(hit.page, hit.item);
  }

  function press(event: KeyboardEvent): void {
    const step = STEPS[event.key] ?? 0;
    if (step === 0) return;
    event.preventDefault();
    setMarked((chosen + step + hits.length) % Math.max(hits.length, 1));
  }

  function change(next: string): void {
    setText(next);
    setMarked(0);
    // of a fleet the page does not know all names
    if (isFleet(state)) actions.find(next);
  }

  return (
    <Dialog title="Find" testid="finder" close={() => actions.show(null)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          open(hits[chosen]);
        }}
      >
        <input
          type="search"
          class="finder-text"
          data-testid="finder-text"
          placeholder="Find a twin or a page"
          aria-label="Find a twin or a page"
          role="combobox"
          aria-expanded="true"
          aria-controls="finder-hits"
          aria-activedescendant={`finder-${chosen}`}
          autocomplete="off"
          value={text}
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={press}
        />
      </form>
      <div class="finder-hits" id="finder-hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          <button
            key={`${hit.page}/${hit.item ?? ''}`}
            id={`finder-${index}`}
            type="button"
            role="option"
            class="finder-hit"
            aria-selected={index === chosen}
            onClick={() => open(hit)}
          >
            <span>{hit.name}</span>
            <small>{hit.what}</small>
          </button>
        ))}
        {hits.length === 0 && <p class="empty">Nothing has this in its name.</p>}
      </div>
    </Dialog>
  );
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

function hitsOf(state: State, text: string): Hit[] {
  const fits = (name: string) => name.toLowerCase().includes(text.toLowerCase());
  const found = isFleet(state) && text !== '' ? state.search.found : [...state.twins.values()];
  const twins = found.map(({ name, model }): Hit => ({ page: 'twin', item: name, name, what: model }));
  const pages = OFFERED.map((page): Hit => ({ page, item: null, name: PAGES[page].name, what: 'page' }));
  return [...pages, ...twins].filter(({ name }) => fits(name)).slice(0, SHOWN);
}
