import { durationText } from '../format/time';
import { countText } from '../format/value';
import type { Device, Seconds, Way } from '../protocol';

interface Props {
  connectors: Device[];
  now: Seconds | null;
}

/** The plant's own ways outside: to what, how they fare, what goes in and out. Nothing where the plant has none. */
export function Connectors({ connectors, now }: Props) {
  const rows = connectors.flatMap((connector) => (connector.way === null ? [] : [{ connector, way: connector.way }]));
  if (rows.length === 0) return null;
  const connected = rows.filter(({ connector }) => connector.connected).length;
  return (
    <section class="panel" aria-labelledby="connectors-title" data-testid="connectors">
      <header class="panel-head">
        <h2 id="connectors-title">Connectors</h2>
        <span class="count">{rows.length}</span>
        <span class="panel-note">{connected} connected</span>
      </header>
      <div class="scroll-x">
        <table class="grid-table stacked">
          <thead>
            <tr>
              <th>Connector</th>
              <th>State</th>
              <th>Last sample</th>
              <th class="number">Samples</th>
              <th>Not used</th>
              <th class="number">Silent tags</th>
              <th class="number">Commands</th>
              <th class="number">Attempts</th>
              <th class="number">Processor</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ connector, way }) => (
              <ConnectorRow key={connector.name} connector={connector} way={way} now={now} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ConnectorRow({ connector, way, now }: { connector: Device; way: Way; now: Seconds | null }) {
  const { name, kind, peer, connected, samples, last } = connector;
  const unused = unusedTexts(connector, way);
  return (
    <tr data-testid={`connector-${name}`} data-connected={connected}>
      <td class="anywhere">
        <strong>{name}</strong> <small>{`${kind}, ${peer}`}</small>
      </td>
      <td class="device-state anywhere" data-name="state">
        <span class="dot" aria-hidden="true" /> {connected ? 'connected' : 'disconnected'}
        {way.since !== null && now !== null && ` for ${durationText(Math.max(now - way.since, 0))}`}
        {!connected && way.fault !== '' && <small> {way.fault}</small>}
      </td>
      <td class="nowrap" data-name="last sample">
        {last === null ? 'none yet' : `${durationText(Math.max((now ?? last) - last, 0))} ago`}
      </td>
      <td class="number" data-name="samples">
        {countText(samples)}
      </td>
      <td class="device-troubles" data-name="not used">
        {unused.length === 0 ? 'none' : unused.map((text) => <span key={text}>{text}</span>)}
        {connected && connector.refused > 0 && <small title="the last fault">{way.fault}</small>}
      </td>
      <td class="number" data-name="silent tags">
        {countText(way.stale)}
      </td>
      <td class="number nowrap" data-name="commands">
        {countText(way.commands)}
        {way.failed > 0 && `, ${countText(way.failed)} failed`}
      </td>
      <td class="number" data-name="attempts">
        {countText(way.attempts)}
      </td>
      <td class="number nowrap" data-name="processor">
        {way.busy < 60 ? `${way.busy.toFixed(1)} s` : durationText(way.busy)}
      </td>
    </tr>
  );
}

/** What came and was not used, by why. */
function unusedTexts(connector: Device, way: Way): string[] {
  const counts: [number, string][] = [
    [way.unchanged, 'unchanged'],
    [way.missed, 'turns missed'],
    [connector.refused, 'refused'],
    [connector.dropped, 'dropped'],
    [connector.late, 'late'],
    [connector.duplicate, 'duplicate'],
    [connector.future, 'future'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, name]) => `${countText(count)} ${name}`);
}
