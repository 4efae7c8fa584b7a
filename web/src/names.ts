/** The names of twins by their numbers, for what points at them on a map; asked for once. */
import { loadListed } from './history';

/** More than a person looks at; then it begins anew. */
const KEPT_MOST = 2000;

const PATIENCE_MS = 5_000;

const known = new Map<number, string>();

/** Empty where the server does not say. */
export async function nameOf(twin: number): Promise<string> {
  const kept = known.get(twin);
  if (kept !== undefined) return kept;
  const [listed] = await loadListed({ from: String(twin), limit: '1' }, AbortSignal.timeout(PATIENCE_MS)).catch(
    () => [],
  );
  if (listed === undefined || listed.number !== twin) return '';
  if (known.size >= KEPT_MOST) known.clear();
  known.set(twin, listed.name);
  return listed.name;
}
