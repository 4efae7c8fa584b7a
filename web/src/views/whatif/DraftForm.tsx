/** A scenario by hand: how far, what to look at, and cases with their changes. */
import {
  actsOf,
  CASES_MOST,
  type CaseDraft,
  type Change,
  type CostDraft,
  type Draft,
  isChangeable,
  MEMBERS_MOST,
  newChange,
  switched,
  TAGS_MOST,
} from '../../forecast/draft';
import { type Channel, NOBODY } from '../../protocol';
import type { State } from '../../state';
import { NumberInput } from '../NumberInput';
import { ActsForm } from './ActsForm';
import { ChangeRow } from './ChangeRow';
import { hueText } from './FanChart';
import { KeepForm } from './KeepForm';
import { TagPicker } from './TagPicker';

interface Props {
  draft: Draft;
  state: State;
  edit: (change: (draft: Draft) => Draft) => void;
}

const TOLD: Channel['kind'][] = ['state', 'output', 'tracked', 'input', 'parameter', 'actuator'];

export function DraftForm({ draft, state, edit }: Props) {
  const channels = [...state.channels.values()];
  const change = (more: Partial<Draft>) => edit((now) => ({ ...now, ...more }));
  const editTags = (next: (tags: string[]) => string[]) => edit((now) => ({ ...now, tags: next(now.tags) }));
  const editCases = (next: (cases: CaseDraft[]) => CaseDraft[]) => edit((now) => ({ ...now, cases: next(now.cases) }));
  return (
    <>
      <div class="form-row">
        <div class="field">
          Horizon, min
          <NumberInput
            label="Horizon in minutes"
            testid="horizon"
            min={0}
            value={draft.horizon / 60}
            onValue={(minutes) => change({ horizon: minutes * 60 })}
          />
        </div>
        <div class="field">
          Members
          <NumberInput
            label="Members"
            min={2}
            max={MEMBERS_MOST}
            value={draft.members}
            onValue={(members) => change({ members })}
          />
        </div>
      </div>
      <div class="field">
        Values to look at
        <ul class="chips">
          {draft.tags.map((tag) => (
            <li key={tag}>
              {tag}
              <button
                type="button"
                aria-label={`Do not look at ${tag}`}
                onClick={() => editTags((tags) => tags.filter((other) => other !== tag))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
        {draft.tags.length < TAGS_MOST && (
          <TagPicker
            id="told"
            label="Look at another value"
            tags={channels
              .filter(({ kind, tag }) => TOLD.includes(kind) && !draft.tags.includes(tag))
              .map(({ tag }) => tag)}
            pick={(tag) => editTags((tags) => [...tags, tag])}
          />
        )}
      </div>
      {draft.cases.map((one, index) => (
        <CaseForm
          key={index}
          one={one}
          index={index}
          base={index === 0 ? undefined : draft.cases[0]}
          state={state}
          horizon={draft.horizon}
          edit={(next) => editCases((cases) => cases.map((old, other) => (other === index ? next(old) : old)))}
          remove={index === 0 ? null : () => editCases((cases) => cases.filter((_, other) => other !== index))}
        />
      ))}
      {draft.cases.length < CASES_MOST && (
        <button
          type="button"
          class="button"
          data-testid="add-case"
          onClick={() => editCases((cases) => [...cases, { name: freeName(cases), changes: [], acts: null }])}
        >
          Another case
        </button>
      )}
      <CostForm cost={draft.cost} edit={(more) => edit((now) => ({ ...now, cost: { ...now.cost, ...more } }))} />
      {draft.cases[0]?.changes.some(({ vary }) => vary !== null) && (
        <KeepForm draft={draft} state={state} change={change} />
      )}
    </>
  );
}

const replaced = <T,>(items: T[], index: number, item: T): T[] =>
  items.map((old, other) => (other === index ? item : old));

const freeName = (cases: CaseDraft[]): string => {
  const taken = new Set(cases.map(({ name }) => name));
  return ['what if', 'or', 'or else', 'at last'].find((name) => !taken.has(name)) ?? `case ${cases.length + 1}`;
};

interface CaseProps {
  one: CaseDraft;
  index: number;
  /** The first case, of the others. */
  base: CaseDraft | undefined;
  state: State;
  horizon: number;
  edit: (change: (one: CaseDraft) => CaseDraft) => void;
  remove: (() => void) | null;
}

function CaseForm({ one, index, base, state, horizon, edit, remove }: CaseProps) {
  const channels = [...state.channels.values()];
  const actuators = channels.filter(({ kind }) => kind === 'actuator');
  const acts = actsOf(one, base);
  const taken = new Set(one.changes.map(({ tag }) => tag));
  const editChanges = (next: (changes: Change[]) => Change[]) =>
    edit((now) => ({ ...now, changes: next(now.changes) }));
  const add = (tag: string) => {
    const channel = state.channels.get(tag);
    if (channel === undefined) return;
    const value = state.values.get(tag)?.value ?? channel.min ?? 0;
    editChanges((changes) => [...changes, newChange(channel, value, actuators)]);
  };
  return (
    <fieldset class="case" data-testid={`case-${index}`}>
      <legend class="unseen">{one.name}</legend>
      <div class="case-head">
        <span class="case-dot" style={{ background: hueText(index) }} aria-hidden="true" />
        <input
          class="case-name"
          aria-label="Name of the case"
          value={one.name}
          maxLength={40}
          onInput={({ currentTarget }) => edit((now) => ({ ...now, name: currentTarget.value }))}
        />
        {index === 0 ? (
          <small>its changes hold in all cases</small>
        ) : (
          <button type="button" class="button" aria-label={`Remove the case ${one.name}`} onClick={() => remove?.()}>
            ×
          </button>
        )}
      </div>
      <ActsForm
        acts={acts}
        index={index}
        can={state.plant?.acts ?? NOBODY}
        turn={(turned) => edit((now) => switched(now, base, turned))}
      />
      {one.changes.map((change, row) => (
        <ChangeRow
          key={change.tag}
          change={change}
          channel={state.channels.get(change.tag)}
          actuators={actuators}
          horizon={horizon}
          mayVary={index === 0}
          isControlled={acts.control}
          edit={(next) => editChanges((changes) => replaced(changes, row, next))}
          remove={() => editChanges((changes) => changes.filter((_, other) => other !== row))}
        />
      ))}
      <TagPicker
        id={`change-${index}`}
        label="Change a value"
        tags={channels
          .filter((channel) => isChangeable(channel, state.fed, acts) && !taken.has(channel.tag))
          .map(({ tag }) => tag)}
        pick={add}
      />
    </fieldset>
  );
}

function CostForm({ cost, edit }: { cost: CostDraft; edit: (more: Partial<CostDraft>) => void }) {
  return (
    <fieldset class="form-row cost-form">
      <legend>Cost</legend>
      <select
        aria-label="How it adds up"
        value={cost.kind}
        onChange={(event) => edit({ kind: event.currentTarget.value === 'final' ? 'final' : 'integral' })}
      >
        <option value="integral">over time</option>
        <option value="final">at the end</option>
      </select>
      <input
        aria-label="What it costs"
        placeholder="t.pump1.power + t.pump2.power"
        data-testid="cost-expression"
        value={cost.expression}
        onInput={(event) => edit({ expression: event.currentTarget.value })}
      />
      <input
        aria-label="Unit of the cost"
        placeholder="kWh"
        class="cost-unit"
        data-testid="cost-unit"
        value={cost.unit}
        onInput={(event) => edit({ unit: event.currentTarget.value })}
      />
    </fieldset>
  );
}
