import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { bytesInWords, type DocumentStatistics, measure } from "../document/statistics.ts";
import type { RoomSession } from "../session/room-session.ts";
import { compareRoots } from "./app-state.ts";

const MEASURE_EVERY_MS = 1000;
/** Measuring takes at most this share of the time, however large the document. */
const MEASURE_SHARE = 0.02;

export function Statistics({ session }: { session: RoomSession }): JSX.Element {
  const figures = useSignal<DocumentStatistics | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = -1;
    const look = (): void => {
      let wait = MEASURE_EVERY_MS;
      if (session.frame.peek() !== seen) {
        seen = session.frame.peek();
        figures.value = measure(session.doc, compareRoots, () => performance.now());
        wait = Math.max(wait, figures.value.tookMs / MEASURE_SHARE);
      }
      timer = setTimeout(look, wait);
    };
    look();
    return () => clearTimeout(timer);
  }, [session, figures]);
  const now = figures.value;
  if (now === null) return <p class="hint padded">Measuring…</p>;
  const most = Math.max(1, ...now.roots.map((root) => root.size));
  return (
    <div class="statistics" data-testid="statistics">
      <dl class="figures">
        <Figure name="State" value={bytesInWords(now.stateBytes)} />
        <Figure name="Clients ever" value={now.clients.toLocaleString("en")} />
        <Figure name="Structs" value={now.structs.toLocaleString("en")} />
        <Figure name="State vector" value={bytesInWords(now.stateVectorBytes)} />
      </dl>
      {now.pending && (
        <p class="field-error" role="status">
          Some updates wait for others that have not arrived.
        </p>
      )}
      <table class="roots">
        <thead>
          <tr>
            <th scope="col">Type</th>
            <th scope="col">Kind</th>
            <th scope="col" class="number">
              Entries
            </th>
          </tr>
        </thead>
        <tbody>
          {now.roots.map((root) => (
            <tr key={root.name}>
              <th scope="row" class="mono">
                {root.name}
              </th>
              <td>{root.kind}</td>
              <td class="number">
                <span class="bar" style={{ width: `${(56 * root.size) / most}px` }} />
                {root.size.toLocaleString("en")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
