import type { Link } from '../connection';
import { durationText } from '../format/time';

interface Props {
  link: Link;
  /** Wall clock, ms. */
  wall: number;
  /** There is a server, and no device has said anything yet. */
  isWaiting: boolean;
}

/** The state of the connection in words; the dot only repeats them. */
export function ConnectionPill({ link, wall, isWaiting }: Props) {
  return (
    <div class="pill connection" data-testid="connection" data-state={link.kind} role="status">
      <span class="dot" aria-hidden="true" />
      {linkText(link, wall, isWaiting)}
    </div>
  );
}

function linkText(link: Link, wall: number, isWaiting: boolean): string {
  switch (link.kind) {
    case 'connecting':
      return 'Connecting';
    case 'live':
      return isWaiting ? 'Connected' : 'Live';
    case 'stale':
      return isWaiting ? 'Connected' : `Silent for ${durationText((wall - link.since) / 1000)}`;
    case 'offline':
      return 'Offline';
    default:
      return link satisfies never;
  }
}
