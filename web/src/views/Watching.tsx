/** What every page about twins needs: a plant, a twin, and a time; before that it says what it waits for. */
import type { ComponentChildren } from 'preact';
import type { PageProps } from '../pages';
import type { Seconds } from '../protocol';
import { plantTime } from '../state';
import type { Trends } from '../trends';
import { NoConnection, NoTwins, Opening, Waiting } from './Notice';

interface Props extends PageProps {
  children: (trends: Trends, now: Seconds) => ComponentChildren;
}

export function Watching({ state, actions, children }: Props) {
  const { plant, link, trends } = state;
  if (plant === null) {
    return link.kind === 'offline' ? <NoConnection link={link} wall={state.wall} retry={actions.retry} /> : <Opening />;
  }
  if (trends === null) return <NoTwins plant={plant} />;

  const now = plantTime(state);
  // what was recorded may yet come and give the time
  if (now === null) return state.history.kind === 'loading' ? <Opening /> : <Waiting plant={plant} />;
  return <>{children(trends, now)}</>;
}
