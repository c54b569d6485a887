import type { JSX } from "preact";
import type { Said } from "../cluster/words.ts";

/** A word with a dot of its colour; the word alone says all. */
export function Toned({ said }: { said: Said }): JSX.Element {
  return (
    <span class={`toned ${said.tone}`}>
      <span class="toned-dot" aria-hidden="true" />
      {said.text}
    </span>
  );
}
