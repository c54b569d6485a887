import type { ScoreIndex } from "../editing/score-index.ts";
import { isPlayed, type Moment, pieceAt, type Stretch, type Turn } from "./course.ts";
import { heldUntil } from "./holds.ts";
import { secondsOf, type Times, type Tone, tempoOf, tonesOf } from "./tones.ts";

const AHEAD_S = 0.3;
const BEFORE_S = 0.08;
const LOOK_EVERY_MS = 50;
/** However short measures are, so many at most are read at a time. */
const PIECES_MAX = 16;
const LEVEL = 0.12;
const ATTACK_S = 0.015;
const RELEASE_S = 0.08;
const MUTE_S = 0.02;
// Strengths of the partials of a mild reed, the first one first.
const PARTIALS = [0, 1, 0.5, 0.28, 0.15, 0.08, 0.04, 0.02];

/** What is played, and who is told of it. */
export interface Playing {
  /** Gives the score as it is now. */
  readonly index: () => ScoreIndex;
  readonly from: Moment;
  readonly onNotes: (ids: readonly string[]) => void;
  readonly onEnd: () => void;
}

/**
 * Plays a score measure by measure, each read when its time comes: what somebody changes while it
 * sounds is heard when its measure is reached.
 */
export class Player {
  readonly #context = new AudioContext();
  readonly #playing: Playing;
  readonly #wave: PeriodicWave;
  readonly #out: GainNode;
  readonly #parts = new Map<string, GainNode>();
  #muted: ReadonlySet<string> = new Set();
  #loop: Stretch | null = null;
  /** The measure that was played last. */
  #before: string | null = null;
  #next: Turn | null;
  #nextAt: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #sounding: { readonly from: number; readonly until: number; readonly id: string }[] = [];
  #shown = "";

  constructor(playing: Playing) {
    this.#playing = playing;
    this.#wave = this.#context.createPeriodicWave(
      new Float32Array(PARTIALS.length),
      new Float32Array(PARTIALS),
    );
    this.#out = this.#context.createGain();
    this.#out.gain.value = LEVEL;
    this.#out.connect(this.#context.destination);
    this.#next = { ...playing.from, turn: 0 };
    this.#nextAt = this.#context.currentTime + BEFORE_S;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Plays a stretch over and over from its end on; null goes on. */
  loop(stretch: Stretch | null): void {
    this.#loop = stretch;
  }

  /** These parts are silent, at once. */
  mute(parts: ReadonlySet<string>): void {
    this.#muted = parts;
    for (const [part, gain] of this.#parts) {
      const level = parts.has(part) ? 0 : 1;
      gain.gain.setTargetAtTime(level, this.#context.currentTime, MUTE_S);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    void this.#context.close();
    this.#playing.onEnd();
  }

  #look(): void {
    const now = this.#context.currentTime;
    for (let count = 0; count < PIECES_MAX && this.#next; count += 1) {
      if (this.#nextAt >= now + AHEAD_S) break;
      this.#schedule(this.#next);
    }
    this.#sounding = this.#sounding.filter((each) => each.until > now);
    const ids = this.#sounding.filter((each) => each.from <= now).map((each) => each.id);
    const shown = ids.join(" ");
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#playing.onNotes(ids);
    }
    if (this.#next === null && this.#nextAt < now) {
      this.stop();
    }
  }

  #schedule(at: Turn): void {
    const index = this.#playing.index();
    const piece = pieceAt(index, at, this.#loop);
    this.#next = piece?.next ?? null;
    if (!piece) return;
    const secondsPerQuarter = 60 / tempoOf(index, piece.measure);
    const secondsAt = (quarters: number) =>
      heldUntil(index, piece.measure, quarters) * secondsPerQuarter;
    const around = { before: this.#before, after: piece.next?.measure ?? null };
    const timed = tonesOf(index, piece.measure, around)
      .filter((tone) => isPlayed(piece, tone.start, tone.grace !== null))
      .map((tone) => ({ tone, times: secondsOf(tone, secondsAt) }));
    const begin = secondsAt(piece.begin);
    if (this.#before === null) {
      // Grace notes at the very start come before it.
      this.#nextAt += Math.max(0, ...timed.map(({ times }) => begin - times.from));
    }
    this.#before = piece.measure;
    for (const { tone, times } of timed) {
      this.#sound(tone, times, this.#nextAt - begin);
    }
    this.#nextAt += secondsAt(piece.end) - begin;
  }

  /** @param origin when the measure begins, or would, if it is not played from there. */
  #sound(tone: Tone, times: Times, origin: number): void {
    const [from, until] = [origin + times.from, origin + times.silentFrom];
    // Who reads along sees a short note as long as it is written.
    this.#sounding.push({ from, until: origin + times.until, id: tone.id });
    const { level } = tone.touch;
    const oscillator = this.#context.createOscillator();
    oscillator.setPeriodicWave(this.#wave);
    oscillator.frequency.value = tone.hertz;
    const envelope = this.#context.createGain();
    envelope.gain.setValueAtTime(0, from);
    envelope.gain.linearRampToValueAtTime(level, from + ATTACK_S);
    envelope.gain.setValueAtTime(level, Math.max(from + ATTACK_S, until - RELEASE_S));
    envelope.gain.linearRampToValueAtTime(0, until);
    oscillator.connect(envelope).connect(this.#of(tone.part));
    oscillator.start(from);
    oscillator.stop(until + 0.01);
  }

  #of(part: string): GainNode {
    const known = this.#parts.get(part);
    if (known) return known;
    const gain = this.#context.createGain();
    gain.gain.value = this.#muted.has(part) ? 0 : 1;
    gain.connect(this.#out);
    this.#parts.set(part, gain);
    return gain;
  }
}
