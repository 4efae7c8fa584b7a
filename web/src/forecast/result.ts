/** What comes of a forecast, as docs/protocol.md and docs/forecast.md describe it.
 *
 *  Takes: the body of an answer about forecasts.  Gives: a Job, with its Outlook once there is one.
 */
import { type Field, parseJson } from '../decode';
import type { Seconds, Severity } from '../protocol';

const STATES = ['queued', 'running', 'done', 'failed', 'cancelled', 'expired'] as const;
/** Nobody, a function of the scenario's own, the plant's script. */
const CONTROLS = ['none', 'scenario', 'plant'] as const;
const SEVERITIES = ['info', 'warning', 'major', 'critical'] as const;

export interface Job {
  id: number;
  state: (typeof STATES)[number];
  /** From 0 to 1. */
  progress: number;
  /** For how long it has been computed. */
  seconds: Seconds;
  error: string;
  /** Of a search: the best that it has found so far. */
  best: Best | null;
  outlook: Outlook | null;
}

export interface Best {
  /** In the units of the tags. */
  values: Map<string, number>;
  cost: number;
  /** That of the cost. */
  unit: string;
  /** Whether the alarms that were to be rare are: where nothing keeps them so, it is what comes nearest. */
  keepsLimits: boolean;
  evaluations: number;
}

export interface Outlook {
  /** The plant time from which it looks ahead. */
  from: Seconds;
  members: number;
  /** Seconds behind `from`. */
  times: Seconds[];
  /** In percent, rising. */
  quantiles: number[];
  cases: CaseOutlook[];
  /** What a search has come to. */
  found: Best | null;
}

/** The first case is the base; what the others have more is told beside it, on common random numbers. */
export interface CaseOutlook {
  name: string;
  doc: string;
  acted: Acted;
  /** Members whose numbers stopped being finite. */
  lost: number;
  cost: CostOutlook | null;
  fans: Fan[];
  risks: Risk[];
}

/** Who acted in a case: as the devices do, and the plant's handlers. */
export interface Acted {
  control: (typeof CONTROLS)[number];
  handlers: boolean;
}

export interface CostOutlook {
  unit: string;
  mean: number;
  quantiles: number[];
  more: More | null;
}

export interface Fan {
  tag: string;
  unit: string;
  mean: number[];
  /** One column per quantile, each as long as `times`. */
  quantiles: number[][];
  more: { mean: number[]; error: number[] } | null;
}

/** A mean difference to the base case, with its standard error. */
export interface More {
  mean: number;
  error: number;
}

/** How likely one alarm is within the horizon. */
export interface Risk {
  twin: string;
  alarm: string;
  tag: string;
  side: 'high' | 'low';
  limit: number;
  unit: string;
  severity: Severity;
  probability: number;
  /** Its 95 % interval. */
  between: [low: number, high: number];
  /** Quantiles of the time to it, of those members that get there; NaN where none does. */
  times: Seconds[];
  more: More | null;
}

export interface Scenario {
  name: string;
  doc: string;
  horizon: Seconds;
  members: number;
}

/** The body of `GET forecasts/ID` and of `POST forecasts`. */
export function readJob(body: string): Job {
  const job = parseJson(body);
  return {
    id: job.get('id').number(),
    state: job.get('state').oneOf(STATES),
    progress: job.get('progress').or(0, number),
    seconds: job.get('seconds').or(0, number),
    error: job.get('error').or('', text),
    best: job.get('best').or(null, readBest),
    outlook: job.get('result').or(null, readResult),
  };
}

/** The body of `GET scenarios`. */
export function readScenarios(body: string): Scenario[] {
  return parseJson(body).list((scenario) => ({
    name: scenario.get('name').text(),
    doc: scenario.get('doc').or('', text),
    horizon: scenario.get('horizon').number(),
    members: scenario.get('members').number(),
  }));
}

function readBest(best: Field): Best {
  return {
    values: best.get('values').table(number),
    ...readWorth(best),
    evaluations: best.get('evaluations').or(0, number),
  };
}

/** A search has its forecast beside what it has found. */
function readResult(result: Field): Outlook {
  const forecast = result.get('forecast');
  return { ...readOutlook(forecast.absent ? result : forecast), found: result.get('optimum').or(null, readOptimum) };
}

function readOptimum(optimum: Field): Best {
  const values = optimum
    .get('values')
    .list((value): [string, number] => [value.get('tag').text(), value.get('value').number()]);
  return {
    values: new Map(values),
    ...readWorth(optimum),
    evaluations: optimum.get('forecasts').or(0, number),
  };
}

const readWorth = (field: Field): Pick<Best, 'cost' | 'unit' | 'keepsLimits'> => ({
  cost: field.get('cost').or(Number.NaN, number),
  unit: field.get('unit').or('1', text),
  keepsLimits: field.get('keeps_limits').or(true, (keeps) => keeps.boolean()),
});

function readOutlook(outlook: Field): Omit<Outlook, 'found'> {
  return {
    from: outlook.get('time').time(),
    members: outlook.get('members').number(),
    times: outlook.get('times').list(number),
    quantiles: outlook.get('quantiles').list(number),
    cases: outlook.get('cases').list(readCase),
  };
}

function readCase(field: Field): CaseOutlook {
  return {
    name: field.get('name').text(),
    doc: field.get('doc').or('', text),
    acted: { control: field.get('control').oneOf(CONTROLS), handlers: field.get('handlers').boolean() },
    lost: field.get('lost').or(0, number),
    cost: field.get('cost').or(null, readCost),
    fans: field.get('series').list(readFan),
    risks: field.get('limits').or([], (limits) => limits.list(readRisk)),
  };
}

function readCost(field: Field): CostOutlook {
  return {
    unit: field.get('unit').or('', text),
    mean: field.get('mean').or(Number.NaN, number),
    quantiles: field.get('quantiles').list(perhaps),
    more: readMore(field),
  };
}

function readFan(field: Field): Fan {
  return {
    tag: field.get('tag').text(),
    unit: field.get('unit').or('', text),
    mean: field.get('mean').list(perhaps),
    quantiles: field.get('quantiles').list((column) => column.list(perhaps)),
    more: field.get('difference').or(null, (mean) => ({
      mean: mean.list(perhaps),
      error: field.get('difference_se').list(perhaps),
    })),
  };
}

function readRisk(field: Field): Risk {
  return {
    twin: field.get('twin').or('', text),
    alarm: field.get('alarm').text(),
    tag: field.get('tag').or('', text),
    side: field.get('side').oneOf(['high', 'low']),
    limit: field.get('limit').or(Number.NaN, number),
    unit: field.get('unit').or('', text),
    severity: field.get('severity').oneOf(SEVERITIES),
    probability: field.get('probability').or(0, number),
    between: [field.get('probability_low').or(0, number), field.get('probability_high').or(1, number)],
    times: field.get('times').list(perhaps),
    more: readMore(field),
  };
}

function readMore(field: Field): More | null {
  const error = field.get('difference_se').or(0, number);
  return field.get('difference').or(null, (mean) => ({ mean: mean.number(), error }));
}

const text = (field: Field): string => field.text();
const number = (field: Field): number => field.number();
const perhaps = (field: Field): number => field.or(Number.NaN, number);
