// Checked by the compiler alone: what applications may rely on, and what they may not do.
import {
  type ApiError,
  type Connection,
  indexedDb,
  type Job,
  keyValue,
  openScore,
  type Person,
  type Store,
  type Thread,
  type View,
} from "../src/index.ts";
import { useComments, useConnection, useSaved, useScore, useView } from "../src/react/index.ts";

type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const isSame = <One, Other>(_same: Same<One, Other>): void => {};

export function inAPage(store: Parameters<typeof keyValue>[0]): void {
  const score = openScore("https://collab.example", "demo/chorale", {
    token: async () => "a token",
    offline: indexedDb(),
    onProblem: (problem) => void problem.code.length,
  });
  openScore("https://collab.example", "demo", { token: () => "now", offline: keyValue(store) });
  openScore("https://collab.example", "demo");
  // @ts-expect-error a token is asked for again and again, so it is a function
  openScore("https://collab.example", "demo", { token: "a token" });

  const note = { part: "p1", measure: "m1", onset: [0, 1], duration: [1, 1] } as const;
  score.edit({ op: "InsertNote", ...note, pitch: { step: "C", octave: 4 } });
  // @ts-expect-error there is no such operation
  score.edit({ op: "InsertNotes", ...note });
  // @ts-expect-error a note has a pitch
  score.edit({ op: "InsertNote", ...note });
  // @ts-expect-error stores are read; their owner writes them
  score.saved.set({ state: "saved", unsaved: 0 });

  isSame<typeof score.view, Store<View>>(true);
  // @ts-expect-error what is compared here can be different
  isSame<typeof score.view, Store<readonly Person[]>>(true);
  isSame<typeof score.presence.people, Store<readonly Person[]>>(true);
  isSame<ReturnType<typeof score.jobs.export>, Promise<Job>>(true);
  const now: Connection = score.connection.get();
  if (now.state === "denied") void now.remedy.length;
  // @ts-expect-error only an end for good has a remedy
  if (now.state === "offline") void now.remedy;
}

export function useAll(error: ApiError): void {
  const score = useScore("https://collab.example", "demo");
  // @ts-expect-error it is null on the server
  score.close();
  isSame<ReturnType<typeof useView>, View | null>(true);
  isSame<ReturnType<typeof useComments>, readonly Thread[]>(true);
  void [useView(score), useComments(score), useConnection(score).state, useSaved(score).unsaved];
  isSame<typeof error.status, number>(true);
}
