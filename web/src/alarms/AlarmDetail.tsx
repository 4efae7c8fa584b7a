/** One alarm: how it stands, what can be done about it, what it was raised on, what people said. */
import { dateTimeText, durationText } from '../format/time';
import { newestOf } from '../load';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import type { Alarm, Seconds } from '../protocol';
import { get } from '../rest';
import { hashOf } from '../route';
import { plantTime } from '../state';
import { SeverityMark } from '../views/icons';
import { Loaded } from '../views/Loaded';
import { Deeds } from './Deeds';
import { type Comment, type Dossier, readDossier } from './dossier';
import { EvidenceView } from './EvidenceView';
import { stateText } from './words';

interface Props extends PageProps {
  id: number;
}

export function AlarmDetail({ id, state, actions }: Props) {
  const told = state.alarms.get(id);
  const key = `${told?.revision} ${told?.comments} ${told?.shelved} ${told?.suppressed}`;
  const [load, reload] = useLoad(async (signal) => readDossier(await get(`alarms/${id}`, signal)), key);
  const alarm = told ?? newestOf(load)?.alarm ?? null;
  return (
    <section class="panel alarm-detail" aria-label="The chosen alarm" data-testid="alarm-detail">
      <a class="alarm-back" href={hashOf('alarms')}>
        ← all alarms
      </a>
      {alarm !== null && <Head alarm={alarm} now={plantTime(state)} />}
      {alarm !== null && <Deeds alarm={alarm} state={state} actions={actions} />}
      <Loaded load={load} retry={reload} lines={6}>
        {(dossier) => (
          <>
            <EvidenceView dossier={dossier} state={state} actions={actions} />
            <Comments comments={dossier.comments} />
            <Before dossier={dossier} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function Head({ alarm, now }: { alarm: Alarm; now: Seconds | null }) {
  const { twin, name, severity, state, text, raised, returned, acknowledged, amended } = alarm;
  return (
    <header class="alarm-title" data-severity={severity} data-state={state}>
      <h2>
        <SeverityMark severity={severity} state={state} />
        {twin === '' ? name : `${twin} · ${name.replaceAll('_', ' ')}`}
      </h2>
      <p class="alarm-state">
        {severity}, {stateText(alarm)}
      </p>
      <p class="alarm-full">{text}</p>
      <dl class="facts">
        <Fact name="raised" time={raised} note={now === null ? '' : `${durationText(Math.max(0, now - raised))} ago`} />
        <Fact name="acknowledged" time={acknowledged} />
        <Fact
          name="returned"
          time={returned}
          note={returned === null ? '' : `after ${durationText(returned - raised)}`}
        />
        <Fact name="amended" time={amended} note="by samples that came late" />
      </dl>
      {twin !== '' && (
        <a class="alarm-goto" href={hashOf('twin', twin, { at: String(raised) })} data-testid="alarm-twin">
          Show {twin} at that time
        </a>
      )}
    </header>
  );
}

function Fact({ name, time, note = '' }: { name: string; time: Seconds | null; note?: string }) {
  if (time === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {dateTimeText(time)} <small>{note}</small>
      </dd>
    </div>
  );
}

function Comments({ comments }: { comments: Comment[] }) {
  if (comments.length === 0) return null;
  return (
    <section class="alarm-part" aria-label="Comments" data-testid="comments">
      <h3>Comments</h3>
      <ul class="comments">
        {comments.map(({ time, by, text }) => (
          <li key={`${time} ${by} ${text}`}>
            <span class="alarm-state">
              {by || 'somebody'}, {dateTimeText(time)}
            </span>
            <p>{text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Before({ dossier }: { dossier: Dossier }) {
  if (dossier.before.length === 0) return null;
  return (
    <details class="alarm-part">
      <summary>How it was told before ({dossier.before.length})</summary>
      <ul class="comments">
        {dossier.before.map((alarm) => (
          <li key={alarm.revision}>
            <span class="alarm-state">
              revision {alarm.revision}: {stateText(alarm)}
              {alarm.returned !== null && `, returned ${dateTimeText(alarm.returned)}`}
            </span>
            <p>{alarm.text}</p>
          </li>
        ))}
      </ul>
    </details>
  );
}
