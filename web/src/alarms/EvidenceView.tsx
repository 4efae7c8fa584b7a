/** The numbers that an alarm was raised on: the charts of the time around it, values with what they had to keep to, and
 *  innovations. */
import { unitText } from '../format/unit';
import { figures, numberText, statistic } from '../format/value';
import type { PageProps } from '../pages';
import { Deviation } from '../views/Sensors';
import type { Dossier, Evidence } from './dossier';
import { TellingCharts } from './TellingCharts';

interface Props extends PageProps {
  dossier: Dossier;
}

export function EvidenceView({ dossier, state, actions }: Props) {
  const { evidence, alarm } = dossier;
  if (evidence === null) {
    return <p class="empty">The numbers that it was raised on were not kept.</p>;
  }
  return (
    <section class="alarm-part evidence" aria-label="Evidence" data-testid="evidence">
      <h3>What speaks for it</h3>
      {evidence.text !== '' && evidence.text !== alarm.text && <p>{evidence.text}</p>}
      <TellingCharts alarm={alarm} evidence={evidence} state={state} actions={actions} />
      <Values evidence={evidence} />
      <Innovations twin={alarm.twin} evidence={evidence} />
    </section>
  );
}

function Values({ evidence }: { evidence: Evidence }) {
  const { tags, values, limit, nis, nisLimit } = evidence;
  const shown = [...new Set([...tags, ...values.keys()])].filter((tag) => values.has(tag));
  if (shown.length === 0 && nis === null) return null;
  return (
    <table class="grid-table evidence-table">
      <thead>
        <tr>
          <th>Value</th>
          <th class="number">then</th>
          <th class="number">limit</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((tag, index) => {
          const witness = values.get(tag);
          if (witness === undefined) return null;
          const { value, spread, power } = figures(witness.value, witness.sd, witness.unit);
          return (
            <tr key={tag} data-testid={`evidence-${tag}`}>
              <td class="anywhere">{tag}</td>
              <td class="number">
                <strong>{value}</strong> {spread}
                {power} {unitText(witness.unit)}
              </td>
              <td class="number">
                {/* a limit is that of the most telling one */}
                {index === 0 && limit !== null ? `${numberText(limit, witness.unit)} ${unitText(witness.unit)}` : '–'}
              </td>
            </tr>
          );
        })}
        {nis !== null && (
          <tr data-testid="evidence-nis">
            <td>divergence</td>
            <td class="number">
              <strong>{statistic(nis).value}</strong>
            </td>
            <td class="number">{nisLimit === null ? '–' : numberText(nisLimit, '1')}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Innovations({ twin, evidence }: { twin: string; evidence: Evidence }) {
  if (evidence.sensors.size === 0) return null;
  return (
    <table class="grid-table evidence-table" data-testid="evidence-innovations">
      <thead>
        <tr>
          <th>Sensor</th>
          <th class="number">measured − expected</th>
          <th class="number" title="within ± 2 lie 95 in 100 of a twin that is right">
            in σ
          </th>
        </tr>
      </thead>
      <tbody>
        {[...evidence.sensors].map(([name, { innovation, sd }]) => {
          const unit = evidence.values.get(`${twin}.${name}`)?.unit ?? '';
          return (
            <tr key={name}>
              <td>{name}</td>
              <td class="number">
                {numberText(innovation, unit)} {unitText(unit)}
              </td>
              <td>
                <Deviation innovation={innovation} sd={sd} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
