/** Where in the dashboard one is: what stands behind `#` in the address, so that every view can be linked and
 *  goes back with the browser's own button.
 *
 *  `#/twin/tank1?at=1611326940` is page `twin`, item `tank1`, query `at`.
 */

export const PAGE_NAMES = ['plant', 'twin', 'whatif', 'alarms', 'connections', 'system', 'audit', 'login'] as const;

export type PageName = (typeof PAGE_NAMES)[number];

export interface Route {
  page: PageName;
  /** What of the page is shown: a twin of `plant` and `twin`, an alarm of `alarms`; null for no particular one. */
  item: string | null;
  query: Map<string, string>;
}

/** Nobody knows a place that is not there: they see the plant. */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [name = '', item = ''] = path.split('/', 2).map(decode);
  const page = PAGE_NAMES.find((known) => known === name) ?? 'plant';
  return { page, item: item === '' || page !== name ? null : item, query: new Map(new URLSearchParams(query)) };
}

export function hashOf(page: PageName, item: string | null = null, query: Record<string, string> = {}): string {
  const tail = new URLSearchParams(query).toString();
  return `#/${page}${item === null ? '' : `/${encodeURIComponent(item)}`}${tail === '' ? '' : `?${tail}`}`;
}

// an address that somebody has cut short is no reason to show nothing
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
