/** What came of a forecast: fans of all cases, what each has more than the base, alarms ahead, and cost. */
import { spanOf } from '../../charts/fan';
import type { Best, CaseOutlook, Fan, Outlook, Risk } from '../../forecast/result';
import type { Study } from '../../forecast/study';
import { aheadText, dateTimeText } from '../../format/time';
import { unitText } from '../../format/unit';
import { numberText } from '../../format/value';
import type { State } from '../../state';
import { Choice } from '../Choice';
import { SeverityMark } from '../icons';
import { bestText } from './best';
import { FanChart, fanSpan, hueText } from './FanChart';

interface Props {
  study: Study;
  outlook: Outlook;
  state: State;
  overlay: (isOverlaid: boolean) => void;
  /** Go on with the values that a search has found; null where there is no draft to put them in. */
  take: ((found: Best) => void) | null;
}

export function Outcome({ study, outlook, state, overlay, take }: Props) {
  const { cases, times } = outlook;
  const tags = cases[0]?.fans.map(({ tag }) => tag) ?? [];
  return (
    <section class="panel outcome" aria-label="What is ahead" data-testid="outcome">
      <header class="panel-head">
        <h2>What is ahead</h2>
        <span class="panel-note outcome-note">{`from ${dateTimeText(outlook.from)}, ${outlook.members} members on the same random numbers; bands hold ${coverText(outlook.quantiles)}`}</span>
        {cases.length > 1 && (
          <Choice
            name="overlay"
            label="How cases are drawn"
            of={LAYOUTS}
            chosen={study.isOverlaid ? 'together' : 'side by side'}
            choose={(layout) => overlay(layout === 'together')}
          />
        )}
      </header>
      {outlook.found !== null && <Found found={outlook.found} state={state} take={take} />}
      <Acted cases={cases} />
      {tags.map((tag) => (
        <TagOutcome key={tag} tag={tag} cases={cases} times={times} isOverlaid={study.isOverlaid} />
      ))}
      <Risks cases={cases} cover={widestText(outlook.quantiles)} />
      <Costs cases={cases} cover={widestText(outlook.quantiles)} />
      {cases.some(({ lost }) => lost > 0) && (
        <p class="empty">
          Some members came to no finite numbers, and are left out:{' '}
          {cases.map(({ name, lost }) => `${name} ${lost}`).join(', ')}.
        </p>
      )}
    </section>
  );
}

const LAYOUTS = ['together', 'side by side'] as const;

function Found({ found, state, take }: Pick<Props, 'state' | 'take'> & { found: Best }) {
  return (
    <p class="found" data-testid="found">
      {`Best of ${found.evaluations} forecasts: ${bestText(found, state)} `}
      {take !== null && (
        <button type="button" class="button" data-testid="take" onClick={() => take(found)}>
          Go on with this
        </button>
      )}
    </p>
  );
}

/** Who acted, where somebody did. */
function Acted({ cases }: { cases: CaseOutlook[] }) {
  if (cases.every(({ acted }) => acted.control === 'none' && !acted.handlers)) return null;
  return (
    <ul class="acted" data-testid="acted">
      {cases.map(({ name, acted }, hue) => (
        <li key={name}>
          <span class="case-dot" style={{ background: hueText(hue) }} aria-hidden="true" />
          {`${name}: ${actedText(acted)}`}
        </li>
      ))}
    </ul>
  );
}

function actedText({ control, handlers }: CaseOutlook['acted']): string {
  const who = CONTROL_TEXTS[control];
  return handlers ? `${who} and the handlers act` : `${who} act${control === 'plant' ? '' : 's'}`;
}

const CONTROL_TEXTS = { none: 'nobody', scenario: "the scenario's control", plant: 'the controllers' };

interface TagProps {
  tag: string;
  cases: CaseOutlook[];
  times: number[];
  isOverlaid: boolean;
}

function TagOutcome({ tag, cases, times, isOverlaid }: TagProps) {
  const ribbons = cases.flatMap(({ name, fans }, hue) => {
    const fan = fans.find((fan) => fan.tag === tag);
    return fan === undefined ? [] : [{ name, hue, fan }];
  });
  const [first] = ribbons;
  if (first === undefined) return null;
  const limits = cases[0]?.risks.filter((risk) => risk.tag === tag).map(({ limit }) => limit) ?? [];
  const shared = { unit: first.fan.unit, times, limits, span: fanSpan(ribbons.map(({ fan }) => fan)) };
  const others = ribbons.flatMap(({ fan, ...rest }) =>
    fan.more === null ? [] : [{ ...rest, fan: differenceFan(fan) }],
  );
  return (
    <div class="tag-outcome">
      {isOverlaid ? (
        <FanChart title={tag} ribbons={ribbons} height={210} {...shared} />
      ) : (
        <div class="side-by-side">
          {ribbons.map((ribbon) => (
            <FanChart key={ribbon.name} title={`${tag}, ${ribbon.name}`} ribbons={[ribbon]} height={180} {...shared} />
          ))}
        </div>
      )}
      {others.length > 0 && (
        <FanChart
          {...shared}
          title={`${tag}, more than ${first.name}`}
          ribbons={others}
          limits={[0]}
          height={120}
          span={spanOf([...others.flatMap(({ fan }) => fan.quantiles), [0]])}
        />
      )}
    </div>
  );
}

/** The mean difference and its 95 % interval, as a fan. */
function differenceFan(fan: Fan): Fan {
  const { mean = [], error = [] } = fan.more ?? {};
  const shifted = (sigmas: number) => mean.map((value, row) => value + sigmas * (error[row] ?? Number.NaN));
  return { ...fan, mean, quantiles: [shifted(-1.96), mean, shifted(1.96)], more: null };
}

interface TableProps {
  cases: CaseOutlook[];
  /** How many lie between the outermost quantiles, in words. */
  cover: string;
}

/** What lies between pairs of quantiles, from the inside out: `68 and 95 %`. */
function coverText(quantiles: number[]): string {
  const pairs = Math.floor(quantiles.length / 2);
  const covers = Array.from({ length: pairs }, (_, i) => (quantiles.at(-1 - i) ?? 0) - (quantiles[i] ?? 0));
  return `${covers.reverse().join(' and ')}\u00a0%`;
}

const widestText = (quantiles: number[]): string => `${(quantiles.at(-1) ?? 0) - (quantiles[0] ?? 0)} %`;

/** Less than this in all cases is not worth a line. */
const LEAST_RISK = 0.0005;

function Risks({ cases, cover }: TableProps) {
  const [base] = cases;
  const find = (one: CaseOutlook, risk: Risk) =>
    one.risks.find(({ twin, alarm, side }) => twin === risk.twin && alarm === risk.alarm && side === risk.side);
  const told = (base?.risks ?? []).filter((risk) =>
    cases.some((one) => (find(one, risk)?.probability ?? 0) >= LEAST_RISK),
  );
  if (told.length === 0)
    return (
      <p class="empty" data-testid="no-risks">
        No alarm is likely within the horizon, in any case.
      </p>
    );
  return (
    <div class="table-scroll">
      <table class="table risks" data-testid="risks">
        <caption>{`Alarms ahead: how likely, with its 95 % interval; and after how long, with ${cover} of those that get there`}</caption>
        <CaseHead cases={cases} first="Alarm" />
        <tbody>
          {told.map((risk) => (
            <tr key={`${risk.twin}.${risk.alarm}.${risk.side}`}>
              <th
                scope="row"
                title={`${risk.tag} ${risk.side === 'high' ? 'above' : 'below'} ${numberText(risk.limit, risk.unit)} ${unitText(risk.unit)}`}
              >
                <SeverityMark severity={risk.severity} state="raised" /> {risk.twin} {risk.alarm.replaceAll('_', ' ')}
              </th>
              {cases.map((one) => (
                <RiskCell key={one.name} risk={find(one, risk)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RiskCell({ risk }: { risk: Risk | undefined }) {
  if (risk === undefined) return <td />;
  const [low, high] = risk.between;
  const { times } = risk;
  const [first, middle, last] = [times[0], times[times.length >> 1], times.at(-1)].map((time) => time ?? Number.NaN);
  return (
    <td class="number" data-likely={risk.probability >= 0.5}>
      <strong>{percent(risk.probability)}</strong> <small>{`${percent(low)} to ${percent(high)}`}</small>
      {Number.isFinite(middle) && (
        <div>
          {aheadText(middle ?? 0)} <small>{`${aheadText(first ?? 0)} to ${aheadText(last ?? 0)}`}</small>
        </div>
      )}
    </td>
  );
}

function Costs({ cases, cover }: TableProps) {
  const unit = cases[0]?.cost?.unit;
  if (unit === undefined) return null;
  return (
    <div class="table-scroll">
      <table class="table costs" data-testid="costs">
        <CaseHead cases={cases} first={`Cost, ${unitText(unit)}`} />
        <tbody>
          <tr>
            <th scope="row">{`mean, and ${cover} of members`}</th>
            {cases.map(({ name, cost }) => (
              <td key={name} class="number">
                <strong>{numberText(cost?.mean ?? Number.NaN, unit)}</strong>{' '}
                <small>{`${numberText(cost?.quantiles[0] ?? Number.NaN, unit)} to ${numberText(cost?.quantiles.at(-1) ?? Number.NaN, unit)}`}</small>
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">more than {cases[0]?.name}</th>
            {cases.map(({ name, cost }) => (
              <td key={name} class="number">
                {cost?.more == null
                  ? ''
                  : `${numberText(cost.more.mean, unit)} ± ${numberText(1.96 * cost.more.error, unit)}`}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function CaseHead({ cases, first }: { cases: CaseOutlook[]; first: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {cases.map(({ name, doc }, hue) => (
          <th key={name} scope="col" class="number" title={doc}>
            <span class="case-dot" style={{ background: hueText(hue) }} aria-hidden="true" />
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

const percent = (part: number): string => `${(100 * part).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;
