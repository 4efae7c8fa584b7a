/** One twin beside its plant: what it is, how it came there, and what is wrong with it. */
import 'uplot/dist/uPlot.min.css';
import '../styles/values.css';
import '../styles/charts.css';
import type { Actions } from '../app';
import type { Seconds } from '../protocol';
import type { State } from '../state';
import type { Trends } from '../trends';
import { Actuators } from './Actuators';
import { Alarms } from './Alarms';
import { Charts } from './Charts';
import { Commands } from './Commands';
import { Connections } from './Connections';
import { Sensors } from './Sensors';
import { Values } from './Values';

interface Props {
  state: State;
  actions: Actions;
  trends: Trends;
  now: Seconds;
}

export function TwinView({ state, actions, trends, now }: Props) {
  return (
    <div class="twin-view">
      <Values state={state} trends={trends} />
      <Alarms twin={trends.twin} state={state} actions={actions} />
      <Charts state={state} actions={actions} trends={trends} now={now} />
      <div class="rail">
        <Sensors state={state} trends={trends} now={now} />
        <Actuators state={state} twin={trends.twin} />
        <Commands commands={state.commands} channels={state.channels} />
        <Connections devices={state.devices} counters={state.counters} now={now} />
      </div>
    </div>
  );
}
