/** What stands in the place of a page that cannot be shown yet, or not at all. */
import { Notice } from '../views/Notice';

/** Grey shapes where the page will be: it comes in a moment, and nothing jumps. */
export function PageOpening() {
  return (
    <div class="skeleton-page" aria-busy="true" role="status" data-testid="page-opening">
      <span class="unseen">The page opens.</span>
      <div class="skeleton skeleton-bar" />
      <div class="skeleton skeleton-panel" />
      <div class="skeleton skeleton-panel" />
    </div>
  );
}

export function PageFailed({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <Notice testid="page-failed" title="This page could not be loaded">
      <p>
        The server may be away, or may have another version of the dashboard by now: load the page anew. (
        {error.message})
      </p>
      <p class="notice-actions">
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
        <button type="button" class="button" onClick={() => location.reload()}>
          Load anew
        </button>
      </p>
    </Notice>
  );
}

export function PageRefused({ name, why }: { name: string; why: string }) {
  return (
    <Notice testid="page-refused" title={`${name} is not for everybody`}>
      <p>{why}</p>
    </Notice>
  );
}
