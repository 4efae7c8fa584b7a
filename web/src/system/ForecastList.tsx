/** The forecasts that the server knows: which are computed, which wait, what became of the others. */
import { useEffect } from 'preact/hooks';
import { parseJson } from '../decode';
import { useLoad } from '../pages/useLoad';
import { get } from '../rest';
import { Loaded } from '../views/Loaded';

interface Forecast {
  id: number;
  name: string;
  state: string;
  /** From 0 to 1. */
  progress: number;
  /** How long it has been computed for, in seconds. */
  seconds: number;
  error: string;
}

/** How often the list is asked for, while somebody can see it. */
const LIST_MS = 3_000;

export function ForecastList({ isLive }: { isLive: boolean }) {
  const [load, reload] = useLoad(loadForecasts, isLive);
  useEffect(() => {
    const timer = setInterval(() => isLive && !document.hidden && reload(), LIST_MS);
    return () => clearInterval(timer);
  }, [isLive]);
  return (
    <section class="panel" aria-labelledby="forecasts-title" data-testid="forecasts">
      <header class="panel-head">
        <h2 id="forecasts-title">Forecasts</h2>
      </header>
      <Loaded load={load} retry={reload} lines={2}>
        {(forecasts) =>
          forecasts.length === 0 ? (
            <p class="empty">Nobody has asked for a forecast in the last ten minutes.</p>
          ) : (
            <table class="grid-table counter-table">
              <tbody>
                {forecasts.map(({ id, name, state, progress, seconds, error }) => (
                  <tr key={id} title={error === '' ? undefined : error}>
                    <th scope="row">
                      {id} {name}
                    </th>
                    <td>{state === 'running' ? `running, ${Math.round(progress * 100)} %` : state}</td>
                    <td class="number">{seconds.toFixed(1)} s</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </section>
  );
}

async function loadForecasts(signal: AbortSignal): Promise<Forecast[]> {
  return parseJson(await get('forecasts', signal)).list((field) => ({
    id: field.get('id').number(),
    name: field.get('name').or('', (name) => name.text()),
    state: field.get('state').text(),
    progress: field.get('progress').or(0, (progress) => progress.number()),
    seconds: field.get('seconds').or(0, (seconds) => seconds.number()),
    error: field.get('error').or('', (error) => error.text()),
  }));
}
