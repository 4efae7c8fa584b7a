/** What of the gate concerns everybody, on every page: that nothing leaves it, and what is held. */
import type { State } from '../state';

export function GateBanner({ state }: { state: State }) {
  const { dryRun, actuators } = state.gate;
  const held = [...actuators].filter(([, standing]) => standing.held).map(([tag]) => tag);
  return (
    <>
      {dryRun && (
        <div class="banner banner-warn" data-testid="dry-run-banner" role="status">
          <span>
            <strong>Dry run.</strong> Commands are decided and recorded, and none is handed over to the plant.
          </span>
        </div>
      )}
      {held.length > 0 && (
        <div class="banner banner-bad" data-testid="held-banner" role="status">
          <span>
            <strong>At the fail-safe value:</strong> {namesOf(held)}. Nobody commands {held.length > 1 ? 'them' : 'it'}{' '}
            until released on the Twin page.
          </span>
        </div>
      )}
    </>
  );
}

const NAMED_MOST = 4;

const namesOf = (tags: string[]): string =>
  tags.slice(0, NAMED_MOST).join(', ') + (tags.length > NAMED_MOST ? ` and ${tags.length - NAMED_MOST} more` : '');
