import { closeGaps, type Layout, layOut } from "./cells.ts";
import {
  comparePlaces,
  type Direction,
  EVERY_PART,
  type Facets,
  type Measure,
  readScore,
  type Score,
  type ScoreEvent,
  type Setting,
  type Spanner,
} from "./model.ts";
import { compare, later, type Rational, ZERO } from "./rational.ts";
import { Settings } from "./settings.ts";
import { compareText } from "./sorting.ts";
import type {
  Cell,
  Hidden,
  HiddenReason,
  MeasureView,
  Orphan,
  OrphanReason,
  View,
} from "./view.ts";

/**
 * Shows a score as musicians agree on it, whatever was merged: the same view for equal facets, in
 * every order of their entries, and in `collab.score.normalise` on the server. Nothing throws, and
 * nothing is ever written back: what cannot be shown is named in `hidden`, `orphans` and
 * `unreadable`.
 */
export function normalise(facets: Facets): View {
  return new Walk(readScore(facets)).view();
}

/** What is written into one cell. */
interface Content {
  readonly events: ScoreEvent[];
  readonly directions: Direction[];
}

type Row = ReadonlyMap<string, Content>;

class Walk {
  readonly #score: Score;
  readonly #orphans: Orphan[] = [];
  readonly #shown = new Set<string>();
  readonly #places: ReadonlyMap<string, number>;

  constructor(score: Score) {
    this.#score = score;
    this.#places = new Map([...score.parts.keys()].map((part, place) => [part, place]));
  }

  view(): View {
    const { parts, measures, unreadable } = this.#score;
    const contents = this.#contents();
    const setIn = this.#settingsByMeasure();
    const settings = new Settings();
    const shown: MeasureView[] = [];
    for (const measure of measures.values()) {
      const keys = settings.enter(measure, setIn.get(measure.id) ?? []);
      if (!measure.isDeleted) {
        const cells = this.#cells(measure, contents.get(measure.id) ?? new Map(), settings);
        const length = settings.length(measure, EVERY_PART);
        shown.push({ id: measure.id, length, settings: keys, cells });
        this.#shown.add(measure.id);
      }
    }
    for (const key of settings.finish()) {
      this.#orphan("attr", key, "measure-deleted");
    }
    this.#findDetached();
    const { spanners, hidden } = this.#spanners();
    return {
      parts: [...parts.keys()],
      measures: shown,
      deleted: [...measures.values()].filter((one) => one.isDeleted).map((one) => one.id),
      spanners,
      hidden,
      orphans: this.#orphans.sort((a, b) => comparePlaces([a.facet, a.key], [b.facet, b.key])),
      unreadable,
    };
  }

  #orphan(facet: string, key: string, reason: OrphanReason): void {
    this.#orphans.push({ facet, key, reason });
  }

  /** Sorts events and directions into cells, by measure and part; sets orphans aside. */
  #contents(): ReadonlyMap<string, Row> {
    const contents = new Map<string, Map<string, Content>>();
    const contentOf = (value: ScoreEvent | Direction): Content => {
      const row = contents.get(value.measure) ?? new Map<string, Content>();
      const content = row.get(value.part) ?? { events: [], directions: [] };
      contents.set(value.measure, row);
      row.set(value.part, content);
      return content;
    };
    for (const event of this.#score.events.values()) {
      if (this.#isInCell("ev", event)) {
        if (event.isSpace || this.#score.pitches.has(event.id)) {
          contentOf(event).events.push(event);
        } else {
          this.#orphan("ev", event.id, "pitch-missing");
        }
      }
    }
    for (const direction of this.#score.directions.values()) {
      if (this.#isInCell("dir", direction)) {
        contentOf(direction).directions.push(direction);
      }
    }
    return contents;
  }

  #isInCell(facet: string, value: ScoreEvent | Direction): boolean {
    const measure = this.#score.measures.get(value.measure);
    if (!measure) {
      this.#orphan(facet, value.id, "measure-missing");
    } else if (!this.#score.parts.has(value.part)) {
      this.#orphan(facet, value.id, "part-missing");
    } else if (measure.isDeleted) {
      this.#orphan(facet, value.id, "measure-deleted");
    } else {
      return true;
    }
    return false;
  }

  #settingsByMeasure(): ReadonlyMap<string, readonly Setting[]> {
    const found = new Map<string, Setting[]>();
    for (const setting of this.#score.settings.values()) {
      if (!this.#score.measures.has(setting.measure)) {
        this.#orphan("attr", setting.key, "measure-missing");
      } else if (setting.scope !== EVERY_PART && !this.#score.parts.has(setting.part)) {
        this.#orphan("attr", setting.key, "part-missing");
      } else {
        const here = found.get(setting.measure) ?? [];
        found.set(setting.measure, here);
        here.push(setting);
      }
    }
    return found;
  }

  #cells(measure: Measure, row: Row, settings: Settings): Cell[] {
    const laid = [...row]
      .sort(([a], [b]) => (this.#places.get(a) ?? 0) - (this.#places.get(b) ?? 0))
      .map(([part, content]) => {
        const length = settings.length(measure, part);
        const layout = layOut(content.events, this.#score.pitches, length);
        return { part, content, length, layout };
      });
    // Without a metre, all parts last as long as the longest of them.
    const longest = laid.map(({ layout }) => layout.end).reduce(later, ZERO);
    return laid.map(({ part, content, length, layout }) =>
      this.#cell(part, content, length, layout, longest),
    );
  }

  #cell(
    part: string,
    content: Content,
    length: Rational | null,
    layout: Layout,
    longest: Rational,
  ): Cell {
    const voices = layout.voices.map((voice) => closeGaps(voice, length ?? longest));
    for (const item of voices.flatMap((voice) => voice.items)) {
      if (item.kind === "chord" || item.kind === "grace") {
        for (const id of item.ids) {
          this.#shown.add(id);
        }
      } else if (item.kind !== "gap") {
        this.#shown.add(item.id);
      }
    }
    const directions = content.directions
      .sort((a, b) => compare(a.onset, b.onset) || compareText(a.id, b.id))
      .map((direction) => direction.id);
    for (const id of directions) {
      this.#shown.add(id);
    }
    return {
      part,
      length,
      isOverfull: length !== null && compare(layout.end, length) > 0,
      isUnderfull:
        length !== null && compare(layout.end, ZERO) > 0 && compare(layout.filledUntil, length) < 0,
      voices,
      covered: layout.covered,
      directions,
    };
  }

  /** Sets aside what belongs to an element that is gone. */
  #findDetached(): void {
    const { events, measures, pitches, attached } = this.#score;
    for (const key of pitches.keys()) {
      if (!events.has(key)) {
        this.#orphan("pt", key, "event-missing");
      }
    }
    for (const [[facet, key], owner] of attached) {
      if (facet !== "lay") {
        if (!events.has(owner)) {
          this.#orphan(facet, key, "event-missing");
        }
      } else if (!measures.has(owner)) {
        this.#orphan(facet, key, "measure-missing");
      } else if (measures.get(owner)?.isDeleted) {
        this.#orphan(facet, key, "measure-deleted");
      }
    }
  }

  #spanners(): { spanners: string[]; hidden: Hidden[] } {
    const spanners: string[] = [];
    const hidden: Hidden[] = [];
    const drawn = new Set<string>();
    const sorted = [...this.#score.spanners.values()].sort((a, b) => compareText(a.id, b.id));
    for (const spanner of sorted) {
      const line = JSON.stringify([spanner.kind, spanner.start, spanner.end]);
      const reason = this.#reasonToHide(spanner, drawn.has(line));
      if (reason === null) {
        spanners.push(spanner.id);
        drawn.add(line);
      } else {
        hidden.push({ id: spanner.id, reason });
      }
    }
    return { spanners, hidden };
  }

  #reasonToHide(spanner: Spanner, isDrawn: boolean): HiddenReason | null {
    const { kind, start, end } = spanner;
    if (!this.#shown.has(start) || !this.#shown.has(end)) {
      return "dangling";
    }
    if (isDrawn) {
      return "duplicate";
    }
    const first = this.#score.pitches.get(start)?.semitones ?? null;
    const second = this.#score.pitches.get(end)?.semitones ?? null;
    const differ = first !== null && second !== null && first !== second;
    return kind === "tie" && differ ? "pitches-differ" : null;
  }
}
