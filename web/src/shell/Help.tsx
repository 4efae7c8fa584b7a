/** Which keys do what. */
import { PAGE_KEYS } from '../keys';
import { PAGES } from '../pages';
import { Dialog } from './Dialog';

const KEYS: [keys: string[], what: string][] = [
  [['/'], 'find a twin or a page'],
  [['?'], 'show this'],
  [['Esc'], 'close what lies over the page'],
  [['←', '→'], 'move the cursor of a chart that has the focus; Page Up and Page Down move it further'],
];

export function Help({ close }: { close: () => void }) {
  const pages = Object.entries(PAGE_KEYS).map(([key, page]): [string[], string] => [['g', key], PAGES[page].name]);
  return (
    <Dialog title="Keys" testid="help" close={close}>
      <header class="dialog-head">
        <h2>Keys</h2>
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </header>
      <dl class="keys">
        {[...pages, ...KEYS].map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
