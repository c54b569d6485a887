import {
  EditRefused,
  type Operation,
  type Score,
  ScoreError,
  type WrittenPitch,
} from "bandpro-sdk";
import type { Place } from "../engraving/places.ts";
import { ScoreWriter, type Writing } from "../engraving/writer.ts";
import { Cell, type Store } from "../session/store.ts";
import {
  type Action,
  type NextValue,
  type Refused,
  retime,
  spotOf,
  write,
  writtenAs,
} from "./actions.ts";
import { type Copied, copied } from "./clipboard.ts";
import { actionOf } from "./commands.ts";
import { type Command, FIRST_VALUE } from "./keys.ts";
import { newNotes, pitched } from "./new-notes.ts";
import { enterAt } from "./pen.ts";
import { type OnStaff, ScoreIndex, type Spot } from "./score-index.ts";
import * as selections from "./selection.ts";
import { type Metre, setTime } from "./settings.ts";

/** What one sees of a score while editing it. */
export interface Desktop {
  readonly index: ScoreIndex;
  readonly writing: Writing;
  readonly selected: readonly Place[];
  readonly value: NextValue;
  /** Whether a click writes notes. */
  readonly isPen: boolean;
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

/** Turns what a musician asks for into edits of the score, and keeps the cursor. */
export class Desk {
  readonly #score: Score;
  readonly #desktop: Cell<Desktop>;
  /** What the score did not allow last: an edit, or that measures follow a new metre. */
  readonly refused = new Cell<Refused | null>(null);
  #selection = selections.NOTHING_SELECTED;
  #value: NextValue = FIRST_VALUE;
  #isPen = false;
  #entered: readonly string[] = [];
  #clip: Copied | null = null;
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
    const { index } = this.#desktop.get();
    const place = index.place(id);
    if (!place) {
      return;
    }
    this.refused.set(null);
    const { extendedTo, only } = selections;
    this.#take(isExtending ? extendedTo(index, this.#selection, place) : only(place));
  }

  /** Selects all of a measure on a staff; `isExtending` keeps where the selection began. */
  selectMeasure(measure: string, staff: OnStaff, isExtending = false): void {
    const { index } = this.#now();
    this.refused.set(null);
    const former = isExtending ? this.#selection : null;
    this.#take(selections.measureOnStaff(index, former, measure, staff));
  }

  /** Selects the first place of the score, when nothing is selected. */
  begin(): void {
    const { index, selected } = this.#desktop.get();
    const { first } = index;
    // What was told stays: nobody has gone on.
    if (selected.length === 0 && first) {
      this.#take(selections.only(first));
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
    } else if (command.do === "pen" || (command.do === "clear" && this.#isPen)) {
      this.#isPen = !this.#isPen;
      this.#refresh();
    } else if (command.do === "undo" || command.do === "redo") {
      this.#score.history[command.do]();
      this.refused.set(null);
      this.#refresh();
    } else {
      // What was told was of what somebody has left.
      this.refused.set(null);
      this.#take(this.#selectionOf(command));
    }
  }

  /** What a command selects; null for those that leave that as it is. */
  #selectionOf(command: Command): selections.Selection | null {
    const { index } = this.#now();
    switch (command.do) {
      case "go":
        return selections.beside(index, this.#selection, command.by, command.extends);
      case "goAcross":
        return selections.acrossStaves(index, this.#selection, command.by, command.extends);
      case "voice":
        return selections.inVoice(index, this.#selection, command.ordinal);
      case "all":
        return selections.all(index, this.#selection);
      case "clear":
        return selections.NOTHING_SELECTED;
      default:
        return null;
    }
  }

  /** The note that a command will write, if it is one: nothing is written yet. */
  foresee(command: Command): Foreseen | null {
    const { index, selected } = this.#desktop.get();
    // Of several nothing is foreseen, and to work them out twice may take long.
    if (selected.length > 1) return null;
    const [first] = selected;
    const { operations = [] } = this.#actionOf(command) ?? {};
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

  #actionOf(command: Command): Action | null {
    const isOfStaves = this.#selection.kind === "staves";
    return actionOf(command, { ...this.#now(), isOfStaves, clip: this.#clip });
  }

  /** Writes a note where somebody points: see `enterAt`. */
  enter(spot: Spot, height: number, isChord: boolean): void {
    this.#act(enterAt(this.#now().index, spot, height, this.#value, isChord));
  }

  /** Edits as one step that can be undone; tells whether the score allows it. */
  edit(...operations: readonly Operation[]): boolean {
    const isDone = this.#write(operations) !== null;
    this.#refresh();
    return isDone;
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
      if (action.told) this.refused.set(action.told);
      if (action.cursor) this.#moveTo(action.cursor);
      return;
    }
    const notes = this.#write(action.operations);
    if (notes === null) return;
    if (action.told) this.refused.set(action.told);
    // New notes are several where one reaches over a barline.
    const chain = [...(action.tiesFrom ? [action.tiesFrom] : []), ...notes];
    for (const [at, start] of chain.entries()) {
      const end = chain[at + 1];
      if (end) {
        this.#write([{ op: "Tie", start, end }]);
      }
    }
    const [first] = notes;
    const cursor = action.cursor ?? action.findCursor?.(this.#now().index);
    if (action.selectsNew && first !== undefined) {
      this.#refresh();
      this.select(first);
    } else if (cursor) {
      this.#moveTo(cursor);
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
      this.#entered = pitched(changes);
      return newNotes(changes, operations);
    } catch (error) {
      if (error instanceof EditRefused || error instanceof ScoreError) {
        this.refused.set(isTooMuch(error) ? "much" : "edit");
        return null;
      }
      throw error;
    }
  }

  #setValue(value: NextValue): void {
    this.#value = value;
    const { index, selected } = this.#desktop.get();
    // Whoever writes by pointing chooses for the next note alone.
    if (!this.#isPen) this.#act(retime(index, selected, value));
    this.#refresh();
  }

  #dot(): void {
    const [place] = this.#desktop.get().selected;
    const isOfPlace = place && place.kind !== "gap" && !this.#isPen;
    const was = (isOfPlace && writtenAs(place)) || this.#value;
    this.#setValue({ quarters: was.quarters, dots: was.dots === 0 ? 1 : 0 });
  }

  #moveTo(spot: Spot): void {
    this.#take(selections.atMoment(this.#now().index, spot));
  }

  #take(selection: selections.Selection | null): void {
    if (selection) {
      this.#selection = selection;
      this.#refresh();
    }
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
    const selected = selections.placesIn(index, this.#selection);
    return {
      index,
      writing,
      selected,
      value: this.#value,
      isPen: this.#isPen,
      entered: this.#entered,
    };
  }
}

/** Whether an edit was refused for its size alone: then it names nothing that is in its way. */
function isTooMuch(error: EditRefused | ScoreError): boolean {
  const isOfElements = error instanceof EditRefused && error.elementIds.length > 0;
  return error.code === "out-of-range" && !isOfElements;
}
