import type { ScoreModel } from "./score-model.ts";
import { type Tone, tonesOf } from "./sounding.ts";

const AHEAD_S = 0.35;
const LOOK_EVERY_MS = 100;
const LEVEL = 0.11;
const ATTACK_S = 0.02;
const RELEASE_S = 0.09;
/** Strengths of the partials of the tone, the first one first: a mild organ stop. */
const PARTIALS = [0, 1, 0.45, 0.22, 0.12, 0.05, 0.03];

/**
 * Plays a score measure by measure, each read when its time comes: what somebody changes while
 * it sounds is heard when its measure is reached.
 */
export class Player {
  readonly #context = new AudioContext();
  readonly #model: ScoreModel;
  readonly #onMeasure: (measure: string | null) => void;
  readonly #wave: PeriodicWave;
  readonly #out: GainNode;
  readonly #secondsPerQuarter: number;
  #next: number;
  #nextAt: number;
  #timer: ReturnType<typeof setInterval>;
  #marks: Array<{ at: number; measure: string | null }> = [];

  /** Begins at a measure, the first one when null. */
  constructor(
    model: ScoreModel,
    fromMeasure: string | null,
    onMeasure: (measure: string | null) => void,
  ) {
    this.#model = model;
    this.#onMeasure = onMeasure;
    this.#secondsPerQuarter = 60 / model.tempo();
    const imaginary = new Float32Array(PARTIALS);
    this.#wave = this.#context.createPeriodicWave(new Float32Array(PARTIALS.length), imaginary);
    this.#out = this.#context.createGain();
    this.#out.gain.value = LEVEL;
    this.#out.connect(this.#context.destination);
    const index = model.measures.findIndex((measure) => measure.id === fromMeasure);
    this.#next = Math.max(0, index);
    this.#nextAt = this.#context.currentTime + 0.08;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#onMeasure(null);
    void this.#context.close();
  }

  #look(): void {
    const now = this.#context.currentTime;
    while (this.#nextAt < now + AHEAD_S) {
      const measure = this.#model.measures[this.#next];
      if (measure === undefined) {
        this.#marks.push({ at: this.#nextAt + RELEASE_S, measure: null });
        this.#nextAt = Number.POSITIVE_INFINITY;
        break;
      }
      for (const tone of tonesOf(this.#model, measure.id)) this.#sound(tone, this.#nextAt);
      this.#marks.push({ at: this.#nextAt, measure: measure.id });
      this.#nextAt += measure.length * this.#secondsPerQuarter;
      this.#next += 1;
    }
    while (this.#marks[0] !== undefined && this.#marks[0].at <= now) {
      const mark = this.#marks.shift();
      if (mark?.measure === null) this.stop();
      else if (mark !== undefined) this.#onMeasure(mark.measure);
    }
  }

  #sound(tone: Tone, measureAt: number): void {
    const start = measureAt + tone.start * this.#secondsPerQuarter;
    const end = start + tone.duration * this.#secondsPerQuarter;
    const oscillator = this.#context.createOscillator();
    oscillator.setPeriodicWave(this.#wave);
    oscillator.frequency.value = tone.hertz;
    const envelope = this.#context.createGain();
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(1, start + ATTACK_S);
    envelope.gain.setValueAtTime(1, Math.max(start + ATTACK_S, end - RELEASE_S));
    envelope.gain.linearRampToValueAtTime(0, end);
    oscillator.connect(envelope).connect(this.#out);
    oscillator.start(start);
    oscillator.stop(end + 0.01);
  }
}
