import { render } from 'preact';
import './styles/theme.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/header.css';
import './styles/nav.css';
import './styles/controls.css';
import './styles/notices.css';
import './styles/overlays.css';
import './styles/panels.css';
import './styles/phone.css';
import { startApp } from './app';
import { Pages } from './pages';
import { Shell } from './shell/Shell';

/** How long the page that was asked for has the way to itself. */
const OTHER_PAGES_MS = 3_000;

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element "root"');

const touch = startApp((state, actions) => render(<Shell state={state} actions={actions} pages={pages} />, root));
const pages = new Pages(touch);

// behind the first picture, which is not to wait for them
setTimeout(() => void pages.fetchAll(), OTHER_PAGES_MS);
