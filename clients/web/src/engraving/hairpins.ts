import { addTimes, type Facets, type Rational, readTime, ZERO_TIME } from "bandpro-score";
import { asNumber, asText, type Entry, entryOf } from "./entries.ts";

/** What a hairpin asks for. */
export type HairpinKind = "crescendo" | "diminuendo";

/** A moment on a staff of a part. */
export interface HairpinEnd {
  readonly part: string;
  /** Within the part. */
  readonly staff: number;
  readonly measure: string;
  readonly onset: Rational;
}

/** A hairpin, from note to note or, as files have them, from sign to sign. */
export interface Hairpin {
  readonly kind: HairpinKind;
  readonly placement: "above" | "below";
  readonly from: HairpinEnd;
  /** Over a note it goes on until that ends. */
  readonly until: HairpinEnd;
}

/** Reads a spanner of kind `wedge`; null where it does not say from when until when it lasts. */
export function hairpinOf(facets: Facets, line: Entry): Hairpin | null {
  const [start, end] = [asText(line["start"]), asText(line["end"])];
  const [from, until] = [endAt(facets, start, false), endAt(facets, end, true)];
  const sign = entryOf(facets, "dir", start);
  const kind = asText(sign["text"]) || asText(line["text"]);
  const placement = asText(sign["placement"]) || asText(line["placement"]);
  return (
    from &&
    until && {
      kind: kind === "diminuendo" ? "diminuendo" : "crescendo",
      placement: placement === "above" ? "above" : "below",
      from,
      until,
    }
  );
}

function endAt(facets: Facets, id: string, isOver: boolean): HairpinEnd | null {
  const sign = entryOf(facets, "dir", id);
  const isSign = "onset" in sign;
  const value = isSign ? sign : entryOf(facets, "ev", id);
  const onset = readTime(value["onset"]);
  if (onset === null) {
    return null;
  }
  const isLasting = isOver && !isSign && !("grace" in value);
  const lasting = isLasting ? readTime(value["duration"]) : null;
  return {
    part: asText(value["part"]),
    staff: asNumber(value["staff"], 1),
    measure: asText(value["measure"]),
    onset: addTimes(onset, lasting ?? ZERO_TIME),
  };
}
