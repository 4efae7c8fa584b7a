/** What the page shows while it has no picture: opening, no server, no twins, no device. */
import type { ComponentChildren } from 'preact';
import type { Link } from '../connection';
import { hashOf } from '../route';
import { retryText } from '../shell/Banner';
import type { Plant } from '../state';
import { TwinStars } from './icons';

export function Opening() {
  return (
    <Notice testid="opening" title="Connecting to Pollux" isBusy>
      <p>The charts come with the record of the last minutes.</p>
    </Notice>
  );
}

interface NoConnectionProps {
  link: Link & { kind: 'offline' };
  wall: number;
  retry: () => void;
}

export function NoConnection({ link, wall, retry }: NoConnectionProps) {
  return (
    <Notice testid="no-connection" title="Pollux does not answer">
      <p>
        {link.why === '' ? 'There is no connection to the server that this page came from.' : link.why}{' '}
        {retryText(link.retryAt, wall)}
      </p>
      <button type="button" class="button" onClick={retry} disabled={link.retryAt === null}>
        Try now
      </button>
    </Notice>
  );
}

export function NoTwins({ plant }: { plant: Plant }) {
  return (
    <Notice testid="no-twins" title={`${plant.name} has no twins`}>
      <p>The plant script names no assets, so there is nothing to watch.</p>
    </Notice>
  );
}

export function NoSuchTwin({ name, plant }: { name: string; plant: Plant }) {
  return (
    <Notice testid="no-such-twin" title={`There is no twin “${name}”`}>
      <p>
        The plant <strong>{plant.name}</strong> has {plant.twinCount === 1 ? 'one twin' : `${plant.twinCount} twins`},
        of other names.
      </p>
      <a class="button" href={hashOf('plant')}>
        Show the plant
      </a>
    </Notice>
  );
}

export function Waiting({ plant }: { plant: Plant }) {
  return (
    <Notice testid="waiting" title="Waiting for a device" isBusy>
      <p>
        The twins of <strong>{plant.name}</strong> stand ready. They begin with the first sample. No hardware at hand?
        Start the emulated plant:
      </p>
      <pre>
        <code>pollux emulate PLANT.lua --url {socketText()}</code>
      </pre>
    </Notice>
  );
}

interface NoticeProps {
  testid: string;
  title: string;
  isBusy?: boolean;
  children: ComponentChildren;
}

export function Notice({ testid, title, isBusy = false, children }: NoticeProps) {
  return (
    <section class="notice" data-testid={testid} data-busy={isBusy} aria-busy={isBusy}>
      <TwinStars />
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Where a device finds the server that this page came from. */
const socketText = (): string => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
