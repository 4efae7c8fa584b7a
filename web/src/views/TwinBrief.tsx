/** The selected twin below the plant: its newest values, and the way to its own page. */
import '../styles/values.css';
import { hashOf } from '../route';
import type { State } from '../state';
import type { Trends } from '../trends';
import { Values } from './Values';

export function TwinBrief({ state, trends }: { state: State; trends: Trends }) {
  const twin = state.twins.get(trends.twin);
  return (
    <section class="twin-brief" aria-labelledby="brief-title">
      <header class="brief-head">
        <h2 id="brief-title">{trends.twin}</h2>
        <span class="panel-note">{twin?.doc}</span>
        <a class="button" href={hashOf('twin', trends.twin)} data-testid="open-twin">
          Open
        </a>
      </header>
      <Values state={state} trends={trends} />
    </section>
  );
}
