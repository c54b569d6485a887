import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ChangedType, LogEntry } from "../document/change-log.ts";
import { bytesInWords } from "../document/statistics.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { followDocument } from "./follow.ts";
import { Down, Pause, Play, Up } from "./icons.tsx";
import { Statistics } from "./statistics.tsx";

interface Props {
  app: AppState;
  session: RoomSession;
}

const tabs = ["Activity", "Figures"] as const;

/** Two views on what goes on: each update as it comes, and figures about the whole. */
export function ActivityCard({ app, session }: Props): JSX.Element {
  const tab = useSignal<(typeof tabs)[number]>("Activity");
  const frozen = useSignal<readonly LogEntry[] | null>(null);
  return (
    <section class="card activity-card" aria-label="Activity and figures">
      <div class="card-head">
        <div class="tabs" role="tablist" aria-label="What to show">
          {tabs.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              class="tab"
              id={`tab-${name}`}
              aria-selected={tab.value === name}
              aria-controls="activity-panel"
              tabIndex={tab.value === name ? 0 : -1}
              onClick={() => {
                tab.value = name;
              }}
              onKeyDown={(event) => {
                if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
                tab.value = name === "Activity" ? "Figures" : "Activity";
                document.getElementById(`tab-${tab.value}`)?.focus();
              }}
            >
              {name}
            </button>
          ))}
        </div>
        {tab.value === "Activity" && (
          <button
            type="button"
            class="icon-button small"
            aria-pressed={frozen.value !== null}
            aria-label={frozen.value === null ? "Hold the list still" : "Let the list run on"}
            title={frozen.value === null ? "Hold the list still" : "Let the list run on"}
            onClick={() => {
              frozen.value = frozen.value === null ? session.watch.log.entries : null;
            }}
          >
            {frozen.value === null ? <Pause /> : <Play />}
          </button>
        )}
      </div>
      <div
        class="activity-body"
        id="activity-panel"
        role="tabpanel"
        aria-labelledby={`tab-${tab.value}`}
      >
        {tab.value === "Activity" ? (
          <Ticker app={app} session={session} frozen={frozen.value} />
        ) : (
          <Statistics session={session} />
        )}
      </div>
    </section>
  );
}

const SHOWN_MAX = 100;

function Ticker({
  app,
  session,
  frozen,
}: Props & { frozen: readonly LogEntry[] | null }): JSX.Element {
  followDocument(session);
  const entries = frozen ?? session.watch.log.entries;
  if (entries.length === 0) {
    return (
      <p class="hint padded" data-testid="ticker">
        Each update of the document will be listed here.
      </p>
    );
  }
  return (
    <ol class="ticker" data-testid="ticker" aria-label="Updates, newest first">
      {entries.slice(0, SHOWN_MAX).map((entry) => (
        <Update key={entry.sequence} app={app} session={session} entry={entry} />
      ))}
    </ol>
  );
}

function Update({ app, session, entry }: Props & { entry: LogEntry }): JSX.Element {
  const author = authorOf(session, entry);
  return (
    <li class={entry.local ? "update local" : "update"} data-local={entry.local}>
      <span
        class="update-way"
        title={entry.local ? "made in this tab" : "received"}
        style={{ "--person": author.color }}
      >
        {entry.local ? <Up /> : <Down />}
      </span>
      <span class="update-what">
        {entry.types.length === 0 && <span class="dim">nothing on show</span>}
        {entry.types.map((type) => (
          <TypeChange key={type.path.join("\u0000")} app={app} type={type} />
        ))}
        {entry.moreTypes > 0 && <span class="dim">and {entry.moreTypes} more</span>}
      </span>
      <span class="update-size mono">{bytesInWords(entry.bytes)}</span>
      <span class="update-who" title={`Client ids: ${entry.clients.join(", ") || "deletes only"}`}>
        {author.name}
      </span>
      <time class="update-when mono" dateTime={new Date(entry.atMs).toISOString()}>
        {clock(entry.atMs)}
      </time>
    </li>
  );
}

function TypeChange({ app, type }: { app: AppState; type: ChangedType }): JSX.Element {
  const first = type.keys[0];
  const target = first === undefined ? type.path : [...type.path, first];
  const keys = type.keys.join(", ");
  return (
    <button type="button" class="change" onClick={() => app.goTo(target)}>
      <span class="change-type">{type.path.join("/")}</span>
      {keys !== "" && <span class="change-keys">{keys}</span>}
      {type.more > 0 && <span class="dim">+{type.more.toLocaleString("en")}</span>}
    </button>
  );
}

function authorOf(session: RoomSession, entry: LogEntry): { name: string; color: string } {
  session.people.value;
  const self = session.identity.value;
  if (entry.local) return { name: "this tab", color: self.color };
  if (entry.clients.length > 1) {
    return { name: `${entry.clients.length} clients`, color: "#808080" };
  }
  const client = entry.clients[0];
  if (client === undefined) return { name: "deletion", color: "#808080" };
  const person = session.personOf(client);
  return { name: person?.name ?? `client ${client}`, color: person?.color ?? "#808080" };
}

function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString("en-GB");
}
