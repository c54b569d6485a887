import { type Content, partsOf, type Row, type Shown, showMeasure } from "./measure.ts";
import {
  before,
  comparePlaces,
  type Direction,
  EVERY_PART,
  type Facets,
  KEY_SEPARATOR,
  type Measure,
  type ScoreEvent,
  ScoreReader,
  type Setting,
  type Spanner,
} from "./model.ts";
import { compare, type Rational } from "./rational.ts";
import { Settings } from "./settings.ts";
import { compareText } from "./sorting.ts";
import type { Hidden, HiddenReason, Orphan, OrphanReason, View } from "./view.ts";

/**
 * Shows a score as musicians agree on it, whatever was merged: the same view for equal facets, in
 * every order of their entries, and in `collab.score.normalise` on the server. Nothing throws, and
 * nothing is ever written back: what cannot be shown is named in `hidden`, `orphans` and
 * `unreadable`.
 */
export function normalise(facets: Facets): View {
  return new Normaliser(facets).view();
}

/** Keys of entries that were set or deleted, by facet. */
export type ChangedKeys = ReadonlyMap<string, ReadonlySet<string>>;

const NOTHING: Row = new Map();

/**
 * Shows a score again and again while it changes: what it shows is what `normalise` shows, but only
 * measures in which something changed are worked out anew.
 *
 * A measure of a view stays the same object as long as all that it shows is as it was: its
 * notes with their pitches, notations and words, directions, settings, and lines that begin or end
 * in it.
 */
export class Normaliser {
  readonly #score: ScoreReader;
  /** By measure, those that are not there too. */
  readonly #contents = new Map<string, Map<string, Content>>();
  #shown = new Map<string, Shown>();
  readonly #changed = new Set<string>();
  /** Events and directions that are in another measure than before: their lines lead there. */
  readonly #moved = new Set<string>();
  /** By their ids, with what tells whether two of them draw the same line. */
  #sortedSpanners: readonly (readonly [spanner: Spanner, line: string])[] | null = null;
  /** What belongs to elements that are gone; null when some may have gone or come. */
  #detached: readonly Orphan[] | null = null;
  #drawnBefore: readonly string[] = [];
  #view: View | null = null;

  constructor(facets: Facets) {
    this.#score = new ScoreReader(facets);
    for (const event of this.#score.events.values()) {
      this.#content(event).events.set(event.id, event);
    }
    for (const direction of this.#score.directions.values()) {
      this.#content(direction).directions.set(direction.id, direction);
    }
  }

  /** Reads entries again that were set or deleted since. */
  change(keys: ChangedKeys): void {
    this.#view = null;
    for (const [facet, changed] of keys) {
      for (const key of changed) {
        this.#change(facet, key);
      }
    }
  }

  view(): View {
    this.#view ??= this.#made();
    return this.#view;
  }

  #change(facet: string, key: string): void {
    switch (facet) {
      case "ev":
      case "dir":
        this.#move(facet, key);
        break;
      case "sp":
        this.#touchSpanner(this.#score.spanners.get(key));
        this.#score.readAgain(facet, key);
        this.#touchSpanner(this.#score.spanners.get(key));
        this.#sortedSpanners = null;
        break;
      case "parts":
        this.#score.readAgain(facet, key);
        this.#shown = new Map();
        break;
      case "attr":
        this.#score.readAgain(facet, key);
        for (const { view } of this.#shown.values()) {
          if (view.settings.includes(key)) {
            this.#changed.add(view.id);
          }
        }
        break;
      case "measures":
        this.#score.readAgain(facet, key);
        this.#changed.add(key);
        this.#detached = null;
        break;
      case "pt":
        this.#readPitch(key);
        break;
      default:
        this.#score.readAgain(facet, key);
        this.#detached = null;
        this.#touch(before(key, KEY_SEPARATOR));
    }
  }

  #readPitch(key: string): void {
    const { pitches } = this.#score;
    const wasThere = pitches.has(key);
    this.#score.readAgain("pt", key);
    this.#touch(key);
    if (pitches.has(key) !== wasThere) {
      this.#detached = null;
    }
  }

  /** Reads an event or a direction again, and puts it where it is now. */
  #move(facet: "ev" | "dir", key: string): void {
    const values = facet === "ev" ? this.#score.events : this.#score.directions;
    const among = (value: ScoreEvent | Direction): Map<string, unknown> => {
      const { events, directions } = this.#content(value);
      this.#changed.add(value.measure);
      return facet === "ev" ? events : directions;
    };
    const former = values.get(key);
    if (former) {
      among(former).delete(key);
    }
    this.#score.readAgain(facet, key);
    this.#detached = null;
    const value = values.get(key);
    if (value) {
      among(value).set(key, value);
    }
    if (former?.measure !== value?.measure) {
      this.#moved.add(key);
    }
  }

  /** The measures in which an element is, or which it is. */
  #measuresOf(id: string): readonly string[] {
    const { events, directions } = this.#score;
    const found = [events.get(id)?.measure, directions.get(id)?.measure, id];
    return found.filter((measure) => measure !== undefined);
  }

  #touch(id: string): void {
    for (const measure of this.#measuresOf(id)) {
      this.#changed.add(measure);
    }
  }

  #touchSpanner(spanner: Spanner | undefined): void {
    if (spanner) {
      this.#touch(spanner.start);
      this.#touch(spanner.end);
    }
  }

  #content(value: ScoreEvent | Direction): Content {
    const row = this.#contents.get(value.measure) ?? new Map<string, Content>();
    const content = row.get(value.part) ?? { events: new Map(), directions: new Map() };
    this.#contents.set(value.measure, row);
    row.set(value.part, content);
    return content;
  }

  #made(): View {
    const { parts, measures, unreadable } = this.#score;
    const orphans: Orphan[] = [];
    const lost = this.#measures(orphans);
    for (const key of lost) {
      orphans.push({ facet: "attr", key, reason: "measure-deleted" });
    }
    this.#detached ??= this.#findDetached();
    orphans.push(...this.#detached);
    const { spanners, hidden } = this.#spanners();
    const shown = [...this.#shown.values()];
    this.#changed.clear();
    this.#moved.clear();
    return {
      parts: [...parts.keys()],
      measures: shown.map(({ view }) => view),
      deleted: [...measures.values()].filter((one) => one.isDeleted).map((one) => one.id),
      spanners,
      hidden,
      orphans: orphans.sort((a, b) => comparePlaces([a.facet, a.key], [b.facet, b.key])),
      unreadable,
    };
  }

  /** Works out the measures; gives the keys of settings that take effect nowhere. */
  #measures(orphans: Orphan[]): readonly string[] {
    const { parts, measures } = this.#score;
    const places = new Map([...parts.keys()].map((part, place) => [part, place]));
    const setIn = this.#settingsByMeasure(orphans);
    const settings = new Settings();
    const shown = new Map<string, Shown>();
    for (const measure of measures.values()) {
      const keys = settings.enter(measure, setIn.get(measure.id) ?? []);
      if (!measure.isDeleted) {
        const row = this.#contents.get(measure.id) ?? NOTHING;
        const one = this.#measure(measure, keys, row, places, settings);
        shown.set(measure.id, one);
        orphans.push(...one.orphans);
      }
    }
    for (const [measure, row] of this.#contents) {
      const isDeleted = measures.get(measure)?.isDeleted;
      const reason = isDeleted === undefined ? "measure-missing" : "measure-deleted";
      for (const [part, content] of row) {
        if (isDeleted !== undefined && !parts.has(part)) {
          orphans.push(...orphansOf(content, "part-missing"));
        } else if (isDeleted !== false) {
          orphans.push(...orphansOf(content, reason));
        }
      }
    }
    this.#shown = shown;
    return settings.finish();
  }

  #settingsByMeasure(orphans: Orphan[]): ReadonlyMap<string, readonly Setting[]> {
    const found = new Map<string, Setting[]>();
    const { measures, parts } = this.#score;
    for (const setting of this.#score.settings.values()) {
      if (!measures.has(setting.measure)) {
        orphans.push({ facet: "attr", key: setting.key, reason: "measure-missing" });
      } else if (setting.scope !== EVERY_PART && !parts.has(setting.part)) {
        orphans.push({ facet: "attr", key: setting.key, reason: "part-missing" });
      } else {
        const here = found.get(setting.measure) ?? [];
        found.set(setting.measure, here);
        here.push(setting);
      }
    }
    return found;
  }

  /** A measure as it was, if nothing that it is worked out from has changed. */
  #measure(
    measure: Measure,
    keys: readonly string[],
    row: Row,
    places: ReadonlyMap<string, number>,
    settings: Settings,
  ): Shown {
    const known = this.#changed.has(measure.id) ? undefined : this.#shown.get(measure.id);
    const parts = known?.parts ?? partsOf(row, places);
    const length = settings.length(measure, EVERY_PART);
    const lengths = [length, ...parts.map((part) => settings.length(measure, part))];
    const isSame =
      known?.view.settings.length === keys.length &&
      known.view.settings.every((key, at) => key === keys[at]) &&
      known.lengths.every((each, at) => isSameTime(each, lengths[at] ?? null));
    return known && isSame
      ? known
      : showMeasure(measure.id, keys, row, parts, lengths, this.#score.pitches);
  }

  /** Sets aside what belongs to an element that is gone. */
  #findDetached(): readonly Orphan[] {
    const orphans: Orphan[] = [];
    const { events, measures, pitches, owners } = this.#score;
    for (const key of pitches.keys()) {
      if (!events.has(key)) {
        orphans.push({ facet: "pt", key, reason: "event-missing" });
      }
    }
    for (const [facet, all] of owners) {
      for (const [key, owner] of all) {
        if (facet !== "lay") {
          if (!events.has(owner)) {
            orphans.push({ facet, key, reason: "event-missing" });
          }
        } else if (!measures.has(owner)) {
          orphans.push({ facet, key, reason: "measure-missing" });
        } else if (measures.get(owner)?.isDeleted) {
          orphans.push({ facet, key, reason: "measure-deleted" });
        }
      }
    }
    return orphans;
  }

  #spanners(): { spanners: string[]; hidden: Hidden[] } {
    const former = new Set(this.#drawnBefore);
    const spanners: string[] = [];
    const hidden: Hidden[] = [];
    const drawn = new Set<string>();
    this.#sortedSpanners ??= [...this.#score.spanners.values()]
      .sort((a, b) => compareText(a.id, b.id))
      .map((each) => [each, JSON.stringify([each.kind, each.start, each.end])] as const);
    for (const [spanner, line] of this.#sortedSpanners) {
      const reason = this.#reasonToHide(spanner, drawn.has(line));
      if (reason === null) {
        spanners.push(spanner.id);
        drawn.add(line);
      } else {
        hidden.push({ id: spanner.id, reason });
      }
      const isOther = former.has(spanner.id) !== (reason === null);
      if (isOther || this.#moved.has(spanner.start) || this.#moved.has(spanner.end)) {
        this.#renew(spanner);
      }
    }
    this.#drawnBefore = spanners;
    return { spanners, hidden };
  }

  /** Another line begins or ends in these measures than before. */
  #renew({ start, end }: Spanner): void {
    for (const measure of [...this.#measuresOf(start), ...this.#measuresOf(end)]) {
      const shown = this.#shown.get(measure);
      if (shown && !this.#changed.has(measure)) {
        this.#shown.set(measure, { ...shown, view: { ...shown.view } });
      }
    }
  }

  #isShown(id: string): boolean {
    return (
      this.#shown.has(id) || this.#measuresOf(id).some((at) => this.#shown.get(at)?.ids.has(id))
    );
  }

  #reasonToHide(spanner: Spanner, isDrawn: boolean): HiddenReason | null {
    const { kind, start, end } = spanner;
    if (!this.#isShown(start) || !this.#isShown(end)) {
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

function orphansOf({ events, directions }: Content, reason: OrphanReason): readonly Orphan[] {
  return [
    ...[...events.keys()].map((key) => ({ facet: "ev", key, reason })),
    ...[...directions.keys()].map((key) => ({ facet: "dir", key, reason })),
  ];
}

function isSameTime(a: Rational | null, b: Rational | null): boolean {
  return a === b || (a !== null && b !== null && compare(a, b) === 0);
}
