/** Enlarge, make smaller, show all: for what can also be done with wheel, fingers and keys. */
import type { Navigator } from '../charts/navigator';

export function MapTools({ navigator }: { navigator: () => Navigator | undefined }) {
  return (
    <div class="map-tools">
      <button type="button" class="icon-button" aria-label="Enlarge" onClick={() => navigator()?.zoom(1.6)}>
        +
      </button>
      <button type="button" class="icon-button" aria-label="Make smaller" onClick={() => navigator()?.zoom(1 / 1.6)}>
        −
      </button>
      <button type="button" class="icon-button" aria-label="Show all" onClick={() => navigator()?.showWhole()}>
        ⤢
      </button>
    </div>
  );
}
