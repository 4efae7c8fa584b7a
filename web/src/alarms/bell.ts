/** What a new alarm sounds like: graver ones are higher and come more often, and none goes on by itself.
 *
 *  Browsers keep silent until somebody has pressed something on the page; what comes before that is not heard.
 */
import type { Severity } from '../protocol';

/** Hertz, one after the other. */
const TONES: Record<Severity, number[]> = {
  info: [440],
  warning: [587, 587],
  major: [740, 587, 740],
  critical: [988, 740, 988, 740, 988],
};

const TONE_S = 0.16;
const PAUSE_S = 0.06;
const LOUDNESS = 0.16;

/** A tone that begins or ends at once clicks. */
const RISE_S = 0.012;

/** Alarms that come together sound once. */
const QUIET_MS = 1_500;

export class Bell {
  private context: AudioContext | null = null;
  private rang = Number.NEGATIVE_INFINITY;

  ring(severity: Severity): void {
    if (performance.now() - this.rang < QUIET_MS || !navigator.userActivation.hasBeenActive) return;
    this.rang = performance.now();
    this.context ??= new AudioContext();
    for (const [index, hertz] of TONES[severity].entries()) this.play(hertz, index * (TONE_S + PAUSE_S));
  }

  private play(hertz: number, after: number): void {
    const { context } = this;
    if (context === null) return;
    const from = context.currentTime + after;
    const tone = new OscillatorNode(context, { type: 'triangle', frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(LOUDNESS, from + RISE_S);
    gain.gain.setValueAtTime(LOUDNESS, from + TONE_S - RISE_S);
    gain.gain.linearRampToValueAtTime(0, from + TONE_S);
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(from + TONE_S);
  }
}
