import { type Clip, subtractTimes } from "bandpro-score";
import {
  compareTimes,
  EditRefused,
  type Operation,
  type Score,
  ScoreError,
  type WrittenPitch,
} from "bandpro-sdk";
import { asEntry, asText } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { ScoreWriter, type Writing } from "../engraving/writer.ts";
import { Cell, type Store } from "../session/store.ts";
import {
  type Action,
  addGrace,
  addInterval,
  addToChord,
  alter,
  enterRest,
  enterStep,
  moveSteps,
  type NextValue,
  remove,
  removeMeasures,
  retime,
  spotOf,
  write,
  writtenAs,
} from "./actions.ts";
import { copied, pasted } from "./clipboard.ts";
import { slur, tie, tuplet } from "./joins.ts";
import { type Command, FIRST_VALUE } from "./keys.ts";
import { toggleEnding, toggleRepeat } from "./repeats.ts";
import { endOf, ScoreIndex, type Spot } from "./score-index.ts";
import { type Metre, setTime } from "./settings.ts";

/** What is selected: a moment of a voice, or things written, from one to another. */
type Selection =
  | { readonly kind: "none" }
  | { readonly kind: "spot"; readonly spot: Spot }
  | { readonly kind: "things"; readonly from: string; readonly to: string };

/** What one sees of a score while editing it. */
export interface Desktop {
  readonly index: ScoreIndex;
  readonly writing: Writing;
  readonly selected: readonly Place[];
  readonly value: NextValue;
  /** Notes that one's own last edit gave their pitch: shown before they are engraved. */
  readonly entered: readonly string[];
}

/** A note that a command will write. */
export interface Foreseen {
  /** What is drawn where it will be: the note itself, or what it takes the place of. */
  readonly at: string;
  readonly spot: Spot;
  readonly pitch: WrittenPitch;
}

/** What was not done of what somebody asked for. */
export type Refused = "edit" | "bars";

/** Turns what a musician asks for into edits of the score, and keeps the cursor. */
export class Desk {
  readonly #score: Score;
  readonly #desktop: Cell<Desktop>;
  /** What the score did not allow last: an edit, or that measures follow a new metre. */
  readonly refused = new Cell<Refused | null>(null);
  #selection: Selection = { kind: "none" };
  #value: NextValue = FIRST_VALUE;
  #entered: readonly string[] = [];
  #clip: Clip | null = null;
  readonly #unsubscribe: () => void;
  /** Runs while the picture is older than the score. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(score: Score) {
    this.#score = score;
    this.#desktop = new Cell(this.#picture());
    this.#unsubscribe = score.revision.subscribe(() => this.#later());
  }

  get desktop(): Store<Desktop> {
    return this.#desktop;
  }

  end(): void {
    this.#unsubscribe();
    clearTimeout(this.#timer);
  }

  /** Selects what has an id on the page; `isExtending` keeps where the selection began. */
  select(id: string, isExtending = false): void {
    const { index, selected } = this.#desktop.get();
    const place = index.place(id);
    if (!place) {
      return;
    }
    const [first] = selected;
    if (isExtending && first && first.part === place.part && first.staff === place.staff) {
      const from = this.#selection.kind === "things" ? this.#selection.from : first.id;
      this.#selection = { kind: "things", from, to: place.id };
    } else {
      this.#selection =
        place.kind === "gap"
          ? { kind: "spot", spot: spotOf(place) }
          : { kind: "things", from: place.id, to: place.id };
    }
    this.#refresh();
  }

  /** Selects the first place of the score, when nothing is selected. */
  begin(): void {
    const { index, selected } = this.#desktop.get();
    const { first } = index;
    if (selected.length === 0 && first) {
      this.select(first.id);
    }
  }

  /** Does what a key or a button asks for, other than playing and words. */
  run(command: Command): void {
    if (command.do === "copy" || command.do === "cut") {
      const { index, selected } = this.#now();
      this.#clip = copied(index, selected) ?? this.#clip;
    }
    const action = this.#actionOf(command);
    if (action) {
      this.#act(action);
    } else if (command.do === "value") {
      this.#setValue({ quarters: command.quarters, dots: 0 });
    } else if (command.do === "dot") {
      this.#dot();
    } else if (command.do === "go") {
      this.#go(command.by, command.extends);
    } else if (command.do === "goAcross") {
      this.#goAcross(command.by);
    } else if (command.do === "voice") {
      this.#goToVoice(command.ordinal);
    } else if (command.do === "undo" || command.do === "redo") {
      this.#score.history[command.do]();
      this.#refresh();
    } else if (command.do === "all") {
      this.#selectAll();
    } else if (command.do === "clear") {
      this.#selection = { kind: "none" };
      this.#refresh();
    }
  }

  /** The note that a command will write, if it is one: nothing is written yet. */
  foresee(command: Command): Foreseen | null {
    const { operations = [] } = this.#actionOf(command) ?? {};
    const {
      index,
      selected: [first],
    } = this.#desktop.get();
    const found = operations.flatMap((each): Foreseen[] => {
      if (each.op !== "Repitch" && each.op !== "InsertNote") return [];
      const place = each.op === "Repitch" ? index.place(each.event) : first;
      const at = each.op === "Repitch" ? each.event : place?.id;
      return place && at !== undefined ? [{ at, spot: spotOf(place), pitch: each.pitch }] : [];
    });
    // One that reaches over a barline is written as several.
    const [note] = found;
    return note && found.every((each) => each.at === note.at) ? note : null;
  }

  /** What a command writes; null for those that write nothing by themselves. */
  #actionOf(command: Command): Action | null {
    const { index, selected, writing } = this.#now();
    switch (command.do) {
      case "step":
        return command.isChord
          ? addToChord(index, selected, command.step)
          : enterStep(index, selected, command.step, this.#value);
      case "interval":
        return addInterval(index, selected, command.steps);
      case "grace":
        return addGrace(index, selected);
      case "rest":
        return enterRest(index, selected, this.#value);
      case "move":
        return moveSteps(index, selected, command.by);
      case "alter":
        return alter(index, selected, command.by);
      case "tie":
        return tie(index, selected, this.#value);
      case "slur":
        return slur(index, selected);
      case "tuplet":
        return tuplet(selected);
      case "repeat":
        return toggleRepeat(index, selected, command.edge);
      case "ending":
        return toggleEnding(index, writing.endings, selected, command.number);
      case "paste":
        return this.#clip && pasted(index, selected, this.#clip);
      case "cut":
        return remove(selected);
      case "delete":
        return this.#removal();
      case "deleteMeasures":
        return removeMeasures(index, selected);
      default:
        return null;
    }
  }

  /** Edits as one step that can be undone. */
  edit(...operations: readonly Operation[]): void {
    this.#write(operations);
  }

  /** Another metre where the cursor is; what is behind is barred anew, if it can be. */
  setTime(metre: Metre): void {
    const { index, selected } = this.#now();
    const place = selected[0] ?? index.first;
    if (!place) return;
    const { operations, bars } = setTime(index, place, metre);
    if (!bars || !this.#write([...operations, ...bars])) {
      if (this.#write(operations)) this.refused.set("bars");
    }
    this.#refresh();
    const isLost = selected.length > 0 && this.#desktop.get().selected.length === 0;
    if (isLost) this.#moveTo(spotOf(place));
  }

  #act(action: Action): void {
    if (action.operations.length === 0) {
      if (action.cursor) this.#moveTo(action.cursor);
      return;
    }
    const notes = this.#write(action.operations);
    if (notes === null) return;
    // New notes are several where one reaches over a barline.
    const chain = [...(action.tiesFrom ? [action.tiesFrom] : []), ...notes];
    for (const [at, start] of chain.entries()) {
      const end = chain[at + 1];
      if (end) {
        this.#write([{ op: "Tie", start, end }]);
      }
    }
    const [first] = notes;
    if (action.selectsNew && first !== undefined) {
      this.#refresh();
      this.select(first);
    } else if (action.cursor) {
      this.#moveTo(action.cursor);
    } else {
      this.#refresh();
    }
    const { index, selected } = this.#desktop.get();
    const [next] = selected;
    if (action.onward && next && next.measure !== action.cursor?.measure) {
      const { pitch, left } = action.onward;
      this.#act(write(index, next, pitch, left, notes.at(-1)));
    }
  }

  /** Writes; gives the ids of new notes in their order, null when the score did not allow it. */
  #write(operations: readonly Operation[]): string[] | null {
    try {
      const changes = this.#score.edit(...operations);
      this.refused.set(null);
      this.#entered = changes.sets.flatMap(([facet, key]) => (facet === "pt" ? [key] : []));
      const pitched = new Set(this.#entered);
      const measures = operations.flatMap((each) =>
        each.op === "InsertNote" ? [each.measure] : [],
      );
      const rank = (value: unknown) => measures.indexOf(asText(asEntry(value)?.["measure"]));
      // Changes are told in order of ids, which are drawn by lot.
      return changes.sets
        .filter(([facet, key]) => measures.length > 0 && facet === "ev" && pitched.has(key))
        .sort(([, , a], [, , b]) => rank(a) - rank(b))
        .map(([, key]) => key);
    } catch (error) {
      if (error instanceof EditRefused || error instanceof ScoreError) {
        this.refused.set("edit");
        return null;
      }
      throw error;
    }
  }

  #setValue(value: NextValue): void {
    this.#value = value;
    const { index, selected } = this.#desktop.get();
    this.#act(retime(index, selected, value));
    this.#refresh();
  }

  #dot(): void {
    const [place] = this.#desktop.get().selected;
    const was = (place && place.kind !== "gap" && writtenAs(place)) || this.#value;
    this.#setValue({ quarters: was.quarters, dots: was.dots === 0 ? 1 : 0 });
  }

  #removal(): Action {
    const { index, selected } = this.#desktop.get();
    const [only] = selected;
    if (selected.length === 1 && only?.kind === "gap") {
      // As in a text: what is before the cursor goes.
      const before = index.neighbour(only, -1);
      return before ? remove([before]) : { operations: [] };
    }
    return remove(selected);
  }

  #go(by: 1 | -1, isExtending: boolean): void {
    const { index, selected } = this.#desktop.get();
    const end = by > 0 ? selected.at(-1) : selected[0];
    // As in a text: what is selected is left at the end that the arrow points to.
    const head =
      (isExtending && this.#selection.kind === "things" ? index.place(this.#selection.to) : null) ??
      end;
    if (!head) {
      this.begin();
      return;
    }
    if (!index.isDrawn(head)) {
      // The voice has nothing here: the cursor goes along what the others have.
      const next = index.beside(head, by);
      if (next) this.#moveTo({ ...spotOf(next), voice: head.voice });
      return;
    }
    const next = index.neighbour(head, by);
    if (next) {
      this.select(next.id, isExtending);
    } else if (by === 1 && !isExtending) {
      this.#goOn(head);
    }
  }

  /** Behind the last note of a voice, where its time is empty and not drawn. */
  #goOn(head: Place): void {
    const { index } = this.#desktop.get();
    const onset = endOf(head);
    const length = index.length(head.measure, head.part);
    const isInside = compareTimes(onset, length) < 0;
    if (isInside || index.measureAfter(head.measure) !== null) {
      // A measure may have more in it than fits: the next one begins with its beginning all the same.
      this.#moveTo({ ...spotOf(head), onset: isInside ? onset : length });
    }
  }

  /** The same moment in another voice of the staff, counted from 1. */
  #goToVoice(ordinal: number): void {
    const { index, selected } = this.#now();
    const [first] = selected;
    const voice = first && index.voicesOf(first)[ordinal - 1];
    if (first && voice !== undefined) {
      this.#moveTo({ ...spotOf(first), voice });
    }
  }

  /** All that the voice of the cursor has, from the beginning to the end. */
  #selectAll(): void {
    const { index, selected } = this.#now();
    const own = selected[0] ?? index.first;
    const line = index.places.filter(
      ({ part, staff, voice }) => part === own?.part && staff === own.staff && voice === own.voice,
    );
    const [from, to] = [line[0], line.at(-1)];
    if (from && to) {
      this.#selection = { kind: "things", from: from.id, to: to.id };
      this.#refresh();
    }
  }

  #goAcross(by: 1 | -1): void {
    const { index, selected } = this.#desktop.get();
    const next = selected[0] && index.acrossStaves(selected[0], by);
    if (next) {
      this.#moveTo(spotOf(next));
    }
  }

  #moveTo(spot: Spot): void {
    const { index } = this.#now();
    let { measure, onset } = spot;
    for (;;) {
      const length = index.length(measure, spot.part);
      const next = compareTimes(onset, length) >= 0 ? index.measureAfter(measure) : null;
      if (next === null) break;
      [measure, onset] = [next, subtractTimes(onset, length)];
    }
    this.#selection = { kind: "spot", spot: { ...spot, measure, onset } };
    this.#refresh();
  }

  #later(): void {
    // Many small changes, such as those of a document that arrives, are one picture.
    this.#timer ??= setTimeout(() => this.#refresh());
  }

  #now(): Desktop {
    if (this.#timer !== undefined) {
      this.#refresh();
    }
    return this.#desktop.get();
  }

  #refresh(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#desktop.set(this.#picture());
  }

  #seen: {
    readonly revision: number;
    readonly index: ScoreIndex;
    readonly writing: Writing;
  } | null = null;
  readonly #writer = new ScoreWriter();

  #picture(): Desktop {
    const revision = this.#score.revision.get();
    if (this.#seen?.revision !== revision) {
      const view = this.#score.view.get();
      const writing = this.#writer.write(view, this.#score.facets);
      const index = new ScoreIndex(view, this.#score.facets, writing);
      this.#seen = { revision, index, writing };
    }
    const { index, writing } = this.#seen;
    const selected = this.#selected(index);
    return { index, writing, selected, value: this.#value, entered: this.#entered };
  }

  #selected(index: ScoreIndex): readonly Place[] {
    if (this.#selection.kind === "spot") {
      const place = index.at(this.#selection.spot);
      return place ? [place] : [];
    }
    if (this.#selection.kind === "none") {
      return [];
    }
    const [from, to] = [index.place(this.#selection.from), index.place(this.#selection.to)];
    const only = from ?? to;
    if (!only) {
      return [];
    }
    return from && to ? index.between(from, to) : [only];
  }
}
