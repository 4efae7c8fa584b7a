import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/theme.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/panels.css';
import './styles/schematic.css';
import './styles/fleet.css';
import './styles/header.css';
import './styles/notices.css';
import './styles/values.css';
import './styles/charts.css';
import './styles/phone.css';
import { startApp } from './app';
import { App } from './views/App';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element "root"');

startApp((state, actions) => render(<App state={state} actions={actions} />, root));
