import type { Fields, Interval } from "bandpro-score";

/** Who plays a part, as the server's templates have it: written as players read it. */
export interface Instrument {
  /** As it stands before the first system. */
  readonly name: string;
  /** Before the others. */
  readonly abbreviation: string;
  /** One for each staff. */
  readonly clefs: readonly Fields[];
  /** What sounds compared with what is written; null: the same. */
  readonly transposition: Interval | null;
}

const TREBLE: Fields = { sign: "G", line: 2 };
const TREBLE_8: Fields = { sign: "G", line: 2, octave: -1 };
const ALTO: Fields = { sign: "C", line: 3 };
const BASS: Fields = { sign: "F", line: 4 };
const PERCUSSION: Fields = { sign: "percussion" };
const IN_B_FLAT = [-1, -2] as const;
const IN_F = [-4, -7] as const;
const OCTAVE_UP = [7, 12] as const;
const OCTAVE_DOWN = [-7, -12] as const;

function instrument(
  name: string,
  abbreviation: string,
  clefs: Fields | readonly Fields[] = TREBLE,
  sounds: readonly [steps: number, semitones: number] | null = null,
): Instrument {
  const transposition = sounds && { diatonic: sounds[0], chromatic: sounds[1] };
  return { name, abbreviation, clefs: Array.isArray(clefs) ? clefs : [clefs], transposition };
}

/** Usual instruments by family, in the order of a score. */
export const INSTRUMENTS = {
  woodwinds: {
    piccolo: instrument("Piccolo", "Picc.", TREBLE, OCTAVE_UP),
    flute: instrument("Flute", "Fl."),
    oboe: instrument("Oboe", "Ob."),
    englishHorn: instrument("English horn", "E. Hn.", TREBLE, IN_F),
    clarinet: instrument("Clarinet in B♭", "Cl.", TREBLE, IN_B_FLAT),
    clarinetInA: instrument("Clarinet in A", "Cl.", TREBLE, [-2, -3]),
    bassClarinet: instrument("Bass clarinet in B♭", "B. Cl.", TREBLE, [-8, -14]),
    bassoon: instrument("Bassoon", "Bsn.", BASS),
    sopranoSaxophone: instrument("Soprano saxophone", "S. Sax.", TREBLE, IN_B_FLAT),
    altoSaxophone: instrument("Alto saxophone", "A. Sax.", TREBLE, [-5, -9]),
    tenorSaxophone: instrument("Tenor saxophone", "T. Sax.", TREBLE, [-8, -14]),
    baritoneSaxophone: instrument("Baritone saxophone", "B. Sax.", TREBLE, [-12, -21]),
  },
  brass: {
    horn: instrument("Horn in F", "Hn.", TREBLE, IN_F),
    trumpet: instrument("Trumpet in B♭", "Tpt.", TREBLE, IN_B_FLAT),
    trombone: instrument("Trombone", "Tbn.", BASS),
    euphonium: instrument("Euphonium", "Euph.", BASS),
    tuba: instrument("Tuba", "Tba.", BASS),
  },
  percussion: {
    timpani: instrument("Timpani", "Timp.", BASS),
    drums: instrument("Drum set", "Dr.", PERCUSSION),
    glockenspiel: instrument("Glockenspiel", "Glock.", TREBLE, [14, 24]),
    xylophone: instrument("Xylophone", "Xyl.", TREBLE, OCTAVE_UP),
  },
  voices: {
    voice: instrument("Voice", "V."),
    soprano: instrument("Soprano", "S."),
    alto: instrument("Alto", "A."),
    tenor: instrument("Tenor", "T.", TREBLE_8),
    bass: instrument("Bass", "B.", BASS),
  },
  keyboards: {
    piano: instrument("Piano", "Pno.", [TREBLE, BASS]),
    organ: instrument("Organ", "Org.", [TREBLE, BASS]),
    harp: instrument("Harp", "Hp.", [TREBLE, BASS]),
    guitar: instrument("Guitar", "Gtr.", TREBLE, OCTAVE_DOWN),
    bassGuitar: instrument("Bass guitar", "B. Gtr.", BASS, OCTAVE_DOWN),
    erhu: instrument("Erhu", "Erhu"),
    pipa: instrument("Pipa", "Pipa"),
  },
  strings: {
    violin: instrument("Violin", "Vln."),
    viola: instrument("Viola", "Vla.", ALTO),
    cello: instrument("Violoncello", "Vc.", BASS),
    doubleBass: instrument("Double bass", "Db.", BASS, OCTAVE_DOWN),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Instrument>>>>;

type Families = typeof INSTRUMENTS;
export type Family = keyof Families;
/** An instrument by the name that the program has for it. */
export type InstrumentKey = { [Each in Family]: keyof Families[Each] }[Family];

const ALL: Readonly<Record<string, Instrument>> = Object.assign({}, ...Object.values(INSTRUMENTS));

/** An instrument by its key; null for none. */
export function instrumentOf(key: string): Instrument | null {
  return ALL[key] ?? null;
}
