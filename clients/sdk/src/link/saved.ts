/**
 * Where one's own edits are.
 *
 *     saved      all are on the server's disk
 *     saving     on their way there
 *     offline    there is no connection; `unsaved` of them are here alone
 *     refused    the server took an edit from a reader, and did not keep it
 */
export interface Saved {
  readonly state: "saved" | "saving" | "offline" | "refused";
  /** Edits of one's own that are not known to be on the server's disk. */
  readonly unsaved: number;
}

/** What is known of one's own edits; each event gives the next. */
export interface Tally {
  readonly isSynced: boolean;
  /** The handshake is durable, so that the provider counts edits and nothing else. */
  readonly isExact: boolean;
  readonly isRefused: boolean;
  readonly outstanding: number;
  readonly unsaved: number;
}

export type TallyEvent =
  | { readonly kind: "edited" }
  /** What the provider counts: updates that were not acknowledged, and 1 more for the handshake. */
  | { readonly kind: "counted"; readonly outstanding: number; readonly isSynced: boolean }
  | { readonly kind: "refused" }
  /** The document was begun anew. */
  | { readonly kind: "begun" };

export const NOTHING_YET: Tally = {
  isSynced: false,
  isExact: false,
  isRefused: false,
  outstanding: 1,
  unsaved: 0,
};

/** The next tally. All is durable when nothing is outstanding after the handshake. */
export function tallied(tally: Tally, event: TallyEvent): Tally {
  switch (event.kind) {
    case "edited":
      return { ...tally, unsaved: tally.unsaved + 1 };
    case "refused":
      return { ...tally, isRefused: true };
    case "begun":
      return NOTHING_YET;
    case "counted": {
      const { outstanding } = event;
      if (!event.isSynced) return { ...NOTHING_YET, outstanding, unsaved: tally.unsaved };
      const isExact = tally.isExact || outstanding === 0;
      return {
        isSynced: true,
        isExact,
        isRefused: tally.isRefused && outstanding > 0,
        outstanding,
        unsaved: isExact ? Math.min(tally.unsaved, outstanding) : tally.unsaved,
      };
    }
  }
}

/** What a person is told. */
export function savedIn({ isSynced, isRefused, outstanding, unsaved }: Tally): Saved {
  if (!isSynced) return { state: "offline", unsaved };
  if (isRefused) return { state: "refused", unsaved };
  return { state: outstanding === 0 && unsaved === 0 ? "saved" : "saving", unsaved };
}
