/** Which engine this is, and what runs its programs. */
import { countText, numberText } from '../format/value';
import type { Plant, State } from '../state';
import { Property } from './Property';

export function Engine({ plant, state }: { plant: Plant; state: State }) {
  const { clock } = state;
  return (
    <section class="panel" aria-labelledby="engine-title">
      <header class="panel-head">
        <h2 id="engine-title">Engine</h2>
      </header>
      <dl class="properties">
        <Property name="version">{plant.version}</Property>
        <Property name="plant">{plant.name}</Property>
        <Property name="twins">{countText(plant.twinCount)}</Property>
        <Property name="step">{numberText(plant.step, 's')} s</Property>
        <Property name="time comes from">{plant.clock === 'provider' ? 'the devices' : 'the time of day'}</Property>
        {clock !== null && <Property name="speed">{Number(clock.speed.toPrecision(3))}×</Property>}
        {clock !== null && <Property name="tick">{countText(clock.tick)}</Property>}
        {clock !== null && clock.hash !== '' && (
          <Property name="hash of the state" title="the same on every machine that ran the same samples">
            <code>{clock.hash}</code>
          </Property>
        )}
      </dl>
    </section>
  );
}

export function Programs({ plant }: { plant: Plant }) {
  const { codegen } = plant;
  if (codegen === null) return null;
  return (
    <section class="panel" aria-labelledby="programs-title">
      <header class="panel-head">
        <h2 id="programs-title">Programs</h2>
      </header>
      <dl class="properties">
        <Property name="run by">{codegen.backend}</Property>
        <Property name="with native code">{countText(codegen.compiled)}</Property>
        <Property name="wait for it">{countText(codegen.waiting)}</Property>
        <Property name="interpreted for good">{countText(codegen.refused)}</Property>
        <Property name="compiling took">{numberText(codegen.compileTime, 's')} s</Property>
      </dl>
      {codegen.why !== '' && <p class="empty">{codegen.why}</p>}
    </section>
  );
}
