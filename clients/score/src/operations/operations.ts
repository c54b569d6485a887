/**
 * What people do to a score, in the form of JSON that the server takes too: `op` is the name, the
 * other members are its fields. Times are `[numerator, denominator]` in quarter notes, onsets from
 * the measure's start. Members with a question mark have a usual value.
 */

export type Json =
  | boolean
  | number
  | string
  | null
  | readonly Json[]
  | { readonly [member: string]: Json };

export type Fields = { readonly [member: string]: Json };

/** A time in quarter notes; negative only where one is added to another. */
export type Time = readonly [numerator: number, denominator: number];

/** Steps of the scale and semitones, both signed; a major third up is 2 and 4. */
export interface Interval {
  readonly diatonic: number;
  readonly chromatic: number;
}

/** A pitch as it is written; `accidental` is the sign to print. */
export interface WrittenPitch {
  readonly step: string;
  readonly octave: number;
  readonly alter?: number;
  readonly accidental?: string;
}

/** A new note; one with a `grace` order takes no time. */
export interface InsertNote {
  readonly op: "InsertNote";
  readonly part: string;
  readonly measure: string;
  readonly onset: Time;
  readonly duration: Time;
  readonly pitch: WrittenPitch;
  readonly voice?: number;
  readonly staff?: number;
  readonly grace?: string;
}

/** A new rest; where nobody wrote anything, readers see rests anyway. */
export interface InsertRest {
  readonly op: "InsertRest";
  readonly part: string;
  readonly measure: string;
  readonly onset: Time;
  readonly duration: Time;
  readonly voice?: number;
  readonly staff?: number;
  readonly fills_measure?: boolean;
}

/** One more note at the place, and of the duration, of another. */
export interface InsertChordNote {
  readonly op: "InsertChordNote";
  readonly event: string;
  readonly pitch: WrittenPitch;
}

/** Events to another time, cell, voice or staff; what is null or absent stays as it is. */
export interface MoveEvents {
  readonly op: "MoveEvents";
  readonly events: readonly string[];
  readonly later_by?: Time;
  readonly measure?: string | null;
  readonly part?: string | null;
  readonly voice?: number | null;
  readonly staff?: number | null;
}

/** Events, spanners and directions; with the spanners that would lose an end, or not at all. */
export interface DeleteElements {
  readonly op: "DeleteElements";
  readonly elements: readonly string[];
  readonly with_spanners?: boolean;
}

/** Another pitch for a note, or for a rest, which becomes a note. */
export interface Repitch {
  readonly op: "Repitch";
  readonly event: string;
  readonly pitch: WrittenPitch;
}

/** Another duration for events that stay where they begin, such as the notes of a chord. */
export interface Retime {
  readonly op: "Retime";
  readonly events: readonly string[];
  readonly duration: Time;
}

/** A tie from one note to the next of the same pitch. */
export interface Tie {
  readonly op: "Tie";
  readonly start: string;
  readonly end: string;
}

/** A slur over the notes from one to another. */
export interface Slur {
  readonly op: "Slur";
  readonly start: string;
  readonly end: string;
  readonly placement?: "above" | "below" | null;
}

/** So many (`actual`) in the time of others (`normal`): durations and onsets shrink. */
export interface Tuplet {
  readonly op: "Tuplet";
  readonly events: readonly string[];
  readonly actual: number;
  readonly normal: number;
}

/** Any other line between two elements; `fields` are those of its kind in the schema. */
export interface AddSpanner {
  readonly op: "AddSpanner";
  readonly kind: "tie" | "slur" | "tuplet" | "wedge" | "ottava" | "pedal" | "ending";
  readonly start: string;
  readonly end: string;
  readonly fields: Fields;
}

/** A syllable under a note; empty text takes it away. */
export interface SetLyric {
  readonly op: "SetLyric";
  readonly event: string;
  readonly text: string;
  readonly verse?: string;
  readonly syllabic?: "single" | "begin" | "middle" | "end";
  readonly extends?: boolean;
}

/** Names of articulations, as MusicXML has them. */
export type Articulation =
  | "accent"
  | "strong-accent"
  | "staccato"
  | "tenuto"
  | "detached-legato"
  | "staccatissimo"
  | "spiccato"
  | "scoop"
  | "plop"
  | "doit"
  | "falloff"
  | "breath-mark"
  | "caesura"
  | "stress"
  | "unstress"
  | "soft-accent";

/** Articulations that notes get or lose, and a fermata, which rests may have too. */
export interface Articulate {
  readonly op: "Articulate";
  /** Of a chord any note stands for all of it. */
  readonly events: readonly string[];
  /** For those that lack them. */
  readonly add?: readonly Articulation[];
  /** Before others are added. */
  readonly remove?: readonly Articulation[];
  /** Its form; `none` takes it away, null leaves it as it is. */
  readonly fermata?: "upright" | "inverted" | "none" | null;
}

/** Dynamics, words and other signs; `fields` are those of its kind in the schema. */
export interface AddDirection {
  readonly op: "AddDirection";
  readonly part: string;
  readonly measure: string;
  readonly onset: Time;
  readonly kind: "dynamics" | "words" | "rehearsal" | "metronome" | "harmony";
  readonly fields: Fields;
}

/** A metre, key, clef, barline or tempo at a place; null takes it away. */
export interface ChangeSetting {
  readonly op: "ChangeSetting";
  readonly kind: "time" | "key" | "clef" | "barline" | "tempo";
  readonly measure: string;
  readonly value: Fields | null;
  /** All parts (`*`), a part's id, or `part/staff`. */
  readonly scope?: string;
  /** The onset, or the edge for a barline. */
  readonly at?: Time | "left" | "right";
}

/** What stands before the music: its title, who made it; empty text takes it away. */
export interface SetHeader {
  readonly op: "SetHeader";
  readonly name: "title" | "movement" | "composer" | "lyricist" | "arranger" | "rights";
  readonly text: string;
}

/**
 * New empty measures behind one, or before all when `after` is null. Behind the last one they take
 * along the barline that ends the piece, before the first one the metres, keys, clefs and tempi with
 * which it begins.
 */
export interface InsertMeasures {
  readonly op: "InsertMeasures";
  readonly after: string | null;
  readonly count?: number;
}

/** Measures to the place behind another, or before all. */
export interface MoveMeasures {
  readonly op: "MoveMeasures";
  readonly measures: readonly string[];
  readonly after: string | null;
}

/** Measures become tombstones; what is in them can be had back. */
export interface DeleteMeasures {
  readonly op: "DeleteMeasures";
  readonly measures: readonly string[];
}

/** Deleted measures come back, with what is in them. */
export interface RestoreMeasures {
  readonly op: "RestoreMeasures";
  readonly measures: readonly string[];
}

/** A length of a measure's own, in quarter notes; null: that of the time signature. */
export interface SetMeasureLength {
  readonly op: "SetMeasureLength";
  readonly measure: string;
  readonly length: Time | null;
}

/** The printed numbers of all measures anew, from the first on. */
export interface NumberMeasures {
  readonly op: "NumberMeasures";
  readonly first?: number;
}

/** A new part behind another, or before all when `after` is null. */
export interface AddPart {
  readonly op: "AddPart";
  readonly name: string;
  readonly after: string | null;
  readonly staves?: number;
  readonly abbreviation?: string;
  readonly transposition?: Interval | null;
  /** Its id, for operations that follow in the same edit; null or absent: a new one. */
  readonly part?: string | null;
}

/** A part and all that is in it. */
export interface RemovePart {
  readonly op: "RemovePart";
  readonly part: string;
}

/** Another name and abbreviation; an empty abbreviation is none. */
export interface RenamePart {
  readonly op: "RenamePart";
  readonly part: string;
  readonly name: string;
  readonly abbreviation?: string;
}

/** A part to the place behind another, or before all. */
export interface MovePart {
  readonly op: "MovePart";
  readonly part: string;
  readonly after: string | null;
}

/** What a part sounds compared with what is written; null: the same. */
export interface SetTransposition {
  readonly op: "SetTransposition";
  readonly part: string;
  readonly interval: Interval | null;
}

/** Some notes by an interval; keys stay. */
export interface TransposeEvents {
  readonly op: "TransposeEvents";
  readonly events: readonly string[];
  readonly interval: Interval;
}

/** All notes and keys of some parts, or of the score when `parts` is null. */
export interface TransposeParts {
  readonly op: "TransposeParts";
  readonly interval: Interval;
  readonly parts?: readonly string[] | null;
}

/** One copied event: `part` is how many parts below the first, `offset` from the clip's start. */
export interface ClipEvent {
  readonly id: string;
  readonly part: number;
  readonly offset: Time;
  readonly duration: Time;
  readonly fields: Fields;
  readonly pitch: Fields | null;
  readonly notation: Fields | null;
  readonly lyrics: { readonly [verse: string]: Fields };
}

/** A copied selection; `spanners` join its events. */
export interface Clip {
  readonly events: readonly ClipEvent[];
  readonly spanners: readonly Fields[];
}

/** A clip, its first part into `part` and its start at an onset; over barlines with ties. */
export interface Paste {
  readonly op: "Paste";
  readonly clip: Clip;
  readonly part: string;
  readonly measure: string;
  readonly onset: Time;
  /** What begins in the voices and the time that the clip takes is deleted before. */
  readonly replaces?: boolean;
}

/** Notes into measures of the length that the metre asks for; they sound as before. */
export interface Rebar {
  readonly op: "Rebar";
  readonly first: string;
  readonly last: string;
  /** What measures lasted until now; null: as long as what is in each. */
  readonly former_length?: Time | null;
}

export type Operation =
  | InsertNote
  | InsertRest
  | InsertChordNote
  | MoveEvents
  | DeleteElements
  | Repitch
  | Retime
  | Tie
  | Slur
  | Tuplet
  | AddSpanner
  | SetLyric
  | Articulate
  | AddDirection
  | ChangeSetting
  | SetHeader
  | InsertMeasures
  | MoveMeasures
  | DeleteMeasures
  | RestoreMeasures
  | SetMeasureLength
  | NumberMeasures
  | AddPart
  | RemovePart
  | RenamePart
  | MovePart
  | SetTransposition
  | TransposeEvents
  | TransposeParts
  | Paste
  | Rebar;
