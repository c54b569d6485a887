import { readTime, STEP_SEMITONES, toNumber } from "bandpro-score";
import { pitchOf } from "../editing/pitches.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asEntry, asNumber, entryOf } from "../engraving/entries.ts";

/** A tone to be heard: when it begins and how long it lasts, in quarters from its measure's start. */
interface Tone {
  readonly id: string;
  readonly start: number;
  readonly duration: number;
  readonly hertz: number;
}

const A4_HERTZ = 440;
const A4_SEMITONES = 57;
const USUAL_TEMPO = 80;
const TEMPO_MIN = 20;
const TEMPO_MAX = 400;
const AHEAD_S = 0.3;
const LOOK_EVERY_MS = 50;
const LEVEL = 0.12;
const ATTACK_S = 0.015;
const RELEASE_S = 0.08;
// Strengths of the partials of a mild reed, the first one first.
const PARTIALS = [0, 1, 0.5, 0.28, 0.15, 0.08, 0.04, 0.02];

/** The tones of one measure; what is tied to the note before sounds on with it. */
function tonesOf(index: ScoreIndex, measure: string): readonly Tone[] {
  const held = tiesOf(index);
  return index.places
    .filter((place) => place.measure === measure && place.kind === "chord")
    .flatMap((place) =>
      place.events.flatMap((id) => {
        const pitch = pitchOf(index.facets, id);
        if (!pitch || held.isTiedTo.has(id)) {
          return [];
        }
        const written = (STEP_SEMITONES.get(pitch.step) ?? 0) + (pitch.alter ?? 0);
        const semitones = 12 * pitch.octave + written + shiftOf(index, place.part);
        return [
          {
            id,
            start: toNumber(place.onset),
            duration: toNumber(place.duration) + held.more(id),
            hertz: A4_HERTZ * 2 ** ((semitones - A4_SEMITONES) / 12),
          },
        ];
      }),
    )
    .sort((a, b) => a.start - b.start);
}

/** How many semitones higher than written a part sounds. */
function shiftOf(index: ScoreIndex, part: string): number {
  const transposition = asEntry(entryOf(index.facets, "parts", part)["transposition"]);
  return asNumber(transposition?.["chromatic"], 0);
}

function tiesOf(index: ScoreIndex) {
  const next = new Map<string, string>();
  for (const id of index.view.spanners) {
    const line = entryOf(index.facets, "sp", id);
    if (line["kind"] === "tie") {
      next.set(String(line["start"]), String(line["end"]));
    }
  }
  return {
    isTiedTo: new Set(next.values()),
    /** How long the notes tied to one last. */
    more(id: string): number {
      let [sum, at] = [0, next.get(id)];
      for (let count = 0; at !== undefined && count < next.size; count += 1) {
        const place = index.place(at);
        sum += place ? toNumber(place.duration) : 0;
        at = next.get(at);
      }
      return sum;
    },
  };
}

/** Quarters a minute in a measure. */
function tempoOf(index: ScoreIndex, measure: string): number {
  let tempo = USUAL_TEMPO;
  for (const view of index.view.measures) {
    for (const key of view.settings.filter((each) => each.startsWith("tempo|"))) {
      const { unit, bpm } = entryOf(index.facets, "attr", key);
      const beat = readTime(unit);
      tempo = asNumber(bpm, tempo) * (beat ? toNumber(beat) : 1);
    }
    if (view.id === measure) {
      break;
    }
  }
  return Math.max(TEMPO_MIN, Math.min(TEMPO_MAX, tempo));
}

/**
 * Plays a score measure by measure, each read when its time comes: what somebody changes while it
 * sounds is heard when its measure is reached.
 */
export class Player {
  readonly #context = new AudioContext();
  readonly #index: () => ScoreIndex;
  readonly #onNotes: (ids: readonly string[]) => void;
  readonly #onEnd: () => void;
  readonly #wave: PeriodicWave;
  readonly #out: GainNode;
  #next: string | null;
  #nextAt: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #sounding: { readonly from: number; readonly until: number; readonly id: string }[] = [];
  #shown = "";

  /** @param from the measure to begin at. */
  constructor(
    index: () => ScoreIndex,
    from: string | null,
    onNotes: (ids: readonly string[]) => void,
    onEnd: () => void,
  ) {
    this.#index = index;
    this.#onNotes = onNotes;
    this.#onEnd = onEnd;
    this.#wave = this.#context.createPeriodicWave(
      new Float32Array(PARTIALS.length),
      new Float32Array(PARTIALS),
    );
    this.#out = this.#context.createGain();
    this.#out.gain.value = LEVEL;
    this.#out.connect(this.#context.destination);
    this.#next = from;
    this.#nextAt = this.#context.currentTime + 0.08;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    void this.#context.close();
    this.#onEnd();
  }

  #look(): void {
    const now = this.#context.currentTime;
    while (this.#next !== null && this.#nextAt < now + AHEAD_S) {
      this.#schedule(this.#next);
    }
    this.#sounding = this.#sounding.filter((each) => each.until > now);
    const ids = this.#sounding.filter((each) => each.from <= now).map((each) => each.id);
    const shown = ids.join(" ");
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#onNotes(ids);
    }
    if (this.#next === null && this.#nextAt < now) {
      this.stop();
    }
  }

  #schedule(measure: string): void {
    const index = this.#index();
    const secondsPerQuarter = 60 / tempoOf(index, measure);
    for (const tone of tonesOf(index, measure)) {
      this.#sound(tone, secondsPerQuarter);
    }
    const part = index.view.parts[0] ?? "";
    this.#nextAt += toNumber(index.length(measure, part)) * secondsPerQuarter;
    this.#next = index.measureAfter(measure);
  }

  #sound(tone: Tone, secondsPerQuarter: number): void {
    const from = this.#nextAt + tone.start * secondsPerQuarter;
    const until = from + tone.duration * secondsPerQuarter;
    this.#sounding.push({ from, until, id: tone.id });
    const oscillator = this.#context.createOscillator();
    oscillator.setPeriodicWave(this.#wave);
    oscillator.frequency.value = tone.hertz;
    const envelope = this.#context.createGain();
    envelope.gain.setValueAtTime(0, from);
    envelope.gain.linearRampToValueAtTime(1, from + ATTACK_S);
    envelope.gain.setValueAtTime(1, Math.max(from + ATTACK_S, until - RELEASE_S));
    envelope.gain.linearRampToValueAtTime(0, until);
    oscillator.connect(envelope).connect(this.#out);
    oscillator.start(from);
    oscillator.stop(until + 0.01);
  }
}
