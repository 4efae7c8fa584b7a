/** What is known about one alarm beyond the alarm itself: its reasons, what people said, how it was told before.
 *
 *  Takes: the bodies of `GET alarms/ID` and `GET alarms/shelved`.
 */
import { type Field, parseJson } from '../decode';
import { type Alarm, prose, readAlarm, type Seconds } from '../protocol';

/** The numbers that an alarm was raised on. */
export interface Evidence {
  text: string;
  /** Those that have to do with it, the most telling first. */
  tags: string[];
  values: Map<string, Witness>;
  /** What a value had to stay below or above; null where the alarm is about no single limit. */
  limit: number | null;
  /** The divergence statistic, and from where on it speaks against the twin. */
  nis: number | null;
  nisLimit: number | null;
  sensors: Map<string, { innovation: number; sd: number }>;
  /** What is worth looking at. */
  from: Seconds;
  to: Seconds;
}

export interface Witness {
  value: number;
  sd: number | null;
  unit: string;
}

export interface Comment {
  time: Seconds;
  by: string;
  text: string;
}

export interface Dossier {
  alarm: Alarm;
  /** Earlier revisions, oldest first. */
  before: Alarm[];
  comments: Comment[];
  /** Null for alarms of before it was kept. */
  evidence: Evidence | null;
}

/** What nobody wants to hear of, now and when it is raised again. */
export interface Shelf {
  /** The alarm at which it was said. */
  alarm: number;
  twin: string;
  name: string;
  kind: 'shelved' | 'suppressed';
  /** Null until further notice. */
  until: Seconds | null;
  by: string;
  comment: string;
  since: Seconds | null;
}

export function readDossier(body: string): Dossier {
  const dossier = parseJson(body);
  return {
    alarm: readAlarm(dossier.get('alarm')),
    before: dossier.get('before').or([], (before) => before.list(readAlarm)),
    comments: dossier.get('comments').or([], (comments) => comments.list(readComment)),
    evidence: dossier.get('evidence').or(null, readEvidence),
  };
}

export function readShelves(body: string): Shelf[] {
  return parseJson(body).get('alarms').list(readShelf);
}

function readEvidence(field: Field): Evidence {
  return {
    text: field.get('text').or('', prose),
    tags: field.get('tags').or([], (tags) => tags.list(text)),
    values: field.get('values').or(new Map<string, Witness>(), (values) => values.table(readWitness)),
    limit: field.get('limit').or(null, number),
    nis: field.get('nis').or(null, number),
    nisLimit: field.get('nis_limit').or(null, number),
    sensors: field.get('sensors').or(new Map<string, { innovation: number; sd: number }>(), readSensors),
    from: seconds(field.get('from')),
    to: seconds(field.get('to')),
  };
}

const readWitness = (field: Field): Witness => ({
  value: field.item(0).or(Number.NaN, number),
  sd: field.item(1).or(null, number),
  unit: field.item(2).or('1', text),
});

/** A sensor that has not been heard of has no innovation, and is no witness. */
function readSensors(field: Field): Map<string, { innovation: number; sd: number }> {
  const all = field.table((sensor) => ({
    innovation: sensor.get('innovation').or(Number.NaN, number),
    sd: sensor.get('sd').or(Number.NaN, number),
  }));
  return new Map([...all].filter(([, { innovation, sd }]) => !Number.isNaN(innovation) && sd > 0));
}

const readComment = (field: Field): Comment => ({
  time: seconds(field.get('time')),
  by: field.get('by').or('', text),
  text: prose(field.get('text')),
});

const readShelf = (field: Field): Shelf => ({
  alarm: number(field.get('alarm')),
  twin: field.get('twin').or('', text),
  name: field.get('name').text(),
  kind: field.get('kind').oneOf(['shelved', 'suppressed']),
  until: field.get('until').or(null, seconds),
  by: field.get('by').or('', text),
  comment: field.get('comment').or('', text),
  since: field.get('since').or(null, seconds),
});

const text = (field: Field): string => field.text();
const number = (field: Field): number => field.number();
const seconds = (field: Field): Seconds => field.number() / 1e9;
