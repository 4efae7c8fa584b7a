/** Asking the server to look ahead: docs/protocol.md, "Forecasts". */
import { ask, get } from '../rest';
import type { ScenarioJson } from './draft';
import { type Job, readJob, readScenarios, type Scenario } from './result';

/** A scenario as it is sent, or the name of one that the server has. */
export type Wanted = { scenario: ScenarioJson } | { name: string };

export async function askForecast(wanted: Wanted, query: Record<string, string>, signal: AbortSignal): Promise<Job> {
  const named: Record<string, string> = 'name' in wanted ? { scenario: wanted.name } : {};
  const path = `forecasts?${new URLSearchParams({ ...named, ...query })}`;
  return readJob(await ask('POST', path, 'name' in wanted ? { signal } : { body: wanted.scenario, signal }));
}

export const lookAtForecast = async (id: number, signal: AbortSignal): Promise<Job> =>
  readJob(await get(`forecasts/${id}`, signal));

export const cancelForecast = async (id: number, signal: AbortSignal): Promise<unknown> =>
  ask('DELETE', `forecasts/${id}`, { signal });

export const loadScenarios = async (signal: AbortSignal): Promise<Scenario[]> =>
  readScenarios(await get('scenarios', signal));

export const hasEnded = ({ state }: Job): boolean => state !== 'queued' && state !== 'running';
