import type { Place } from "../engraving/places.ts";
import type { Writing } from "../engraving/writer.ts";
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
} from "./actions.ts";
import { toggleMark } from "./articulations.ts";
import { type Copied, pasted } from "./clipboard.ts";
import { toggleHairpin } from "./hairpins.ts";
import { slur, tie, tuplet } from "./joins.ts";
import type { Command } from "./keys.ts";
import { insertMeasure, removeMeasures } from "./measures.ts";
import { toggleEnding, toggleRepeat } from "./repeats.ts";
import type { ScoreIndex } from "./score-index.ts";

/** What a command is about. */
interface Concerned {
  readonly index: ScoreIndex;
  readonly writing: Writing;
  readonly selected: readonly Place[];
  /** Whether a time of staves is selected, and not what was written in it. */
  readonly isOfStaves: boolean;
  /** Of the next note. */
  readonly value: NextValue;
  /** What was copied. */
  readonly clip: Copied | null;
}

/** What a command writes; null for those that write nothing by themselves. */
export function actionOf(
  command: Command,
  { index, writing, selected, isOfStaves, value, clip }: Concerned,
): Action | null {
  switch (command.do) {
    case "step":
      return command.isChord
        ? addToChord(index, selected, command.step)
        : enterStep(index, selected, command.step, value);
    case "interval":
      return addInterval(index, selected, command.steps);
    case "grace":
      return addGrace(index, selected);
    case "rest":
      return enterRest(index, selected, value);
    case "move":
      return moveSteps(index, selected, command.by);
    case "alter":
      return alter(index, selected, command.by);
    case "tie":
      return tie(index, selected, value);
    case "slur":
      return slur(index, selected);
    case "tuplet":
      return tuplet(selected);
    case "mark":
      return toggleMark(index, selected, command.mark);
    case "hairpin":
      return toggleHairpin(index, selected, command.kind);
    case "repeat":
      return toggleRepeat(index, selected, command.edge);
    case "ending":
      return toggleEnding(index, writing.endings, selected, command.number);
    case "paste":
      return clip && pasted(index, selected, clip);
    case "cut":
      return isOfStaves ? emptied(selected) : remove(selected);
    case "delete":
      return isOfStaves ? emptied(selected) : removal(index, selected);
    case "insertMeasure":
      return insertMeasure(index, selected, command.side);
    case "deleteMeasures":
      return removeMeasures(index, selected);
    default:
      return null;
  }
}

/** The selection stays when what is in it goes. */
function emptied(selected: readonly Place[]): Action {
  return { operations: remove(selected).operations };
}

function removal(index: ScoreIndex, selected: readonly Place[]): Action {
  const [only] = selected;
  if (selected.length === 1 && only?.kind === "gap") {
    // As in a text: what is before the cursor goes.
    const before = index.neighbour(only, -1);
    return before ? remove([before]) : { operations: [] };
  }
  return remove(selected);
}
