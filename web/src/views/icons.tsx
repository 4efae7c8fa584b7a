/** The few pictures of the page; all of them only repeat what stands beside them in words. */

import type { Mark } from '../charts/paths';
import type { AlarmState, Severity } from '../protocol';

/** Castor, who was mortal, and Pollux; never apart. */
export function TwinStars() {
  return (
    <svg class="twin-stars" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d="M7 17 17 7" class="bond" />
      <circle cx="7" cy="17" r="3.2" class="castor" />
      <circle cx="17" cy="7" r="4" class="pollux" />
    </svg>
  );
}

/** A shape for each severity, so that colour is not needed. */
export function SeverityMark({ severity, state }: { severity: Severity; state: AlarmState }) {
  const isActive = state === 'raised' || state === 'acknowledged';
  return (
    <svg
      viewBox="0 0 16 16"
      width="14"
      height="14"
      class={`severity severity-${severity}`}
      data-active={isActive}
      aria-hidden="true"
    >
      <path d={SEVERITY_SHAPES[severity]} />
    </svg>
  );
}

const SEVERITY_SHAPES: Record<Severity, string> = {
  info: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11Z',
  warning: 'M8 2 14.5 13.5H1.5Z',
  major: 'M8 1.5 14.5 8 8 14.5 1.5 8Z',
  critical: 'M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3Z',
};

/** The mark of a sensor's samples, as on the chart. */
export function SampleMark({ mark, colour }: { mark: Mark; colour: string }) {
  return (
    <svg viewBox="0 0 10 10" width="9" height="9" class="sample-mark" aria-hidden="true" style={{ fill: colour }}>
      <path d={MARK_SHAPES[mark]} />
    </svg>
  );
}

const MARK_SHAPES: Record<Mark, string> = {
  circle: 'M5 1.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6Z',
  diamond: 'M5 0.4 9.6 5 5 9.6 0.4 5Z',
  square: 'M1.4 1.4h7.2v7.2h-7.2Z',
  triangle: 'M5 0.8 9.4 8.8H0.6Z',
};
