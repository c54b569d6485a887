import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Picture } from "../cluster/answers.ts";
import { askAs, ClusterFeed, type FeedState } from "../cluster/cluster-feed.ts";
import { type Condition, conditionOf } from "../cluster/condition.ts";
import { busInWords, spanInWords } from "../cluster/words.ts";
import { tokenOf } from "../connection/tickets.ts";
import { hashOfRoom } from "../room/room-name.ts";
import { AloneCard } from "./alone-card.tsx";
import type { AppState } from "./app-state.ts";
import { LiveRoomsCard } from "./live-rooms.tsx";
import { NodesCard } from "./nodes-table.tsx";
import { TokenButton } from "./notices.tsx";
import { Toned } from "./toned.tsx";

/** The nodes of the cluster and the rooms that are open on them, live. */
export function ClusterPage({ app }: { app: AppState }): JSX.Element {
  const credentials = app.credentials.value;
  const feed = useMemo(() => new ClusterFeed(askAs(tokenOf(credentials))), [credentials]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const look = (): void => {
      if (document.hidden) feed.pause();
      else feed.start();
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      feed.stop();
    };
  }, [feed]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const state = feed.state.value;
  const picture = feed.picture.value;
  return (
    <div class="cluster" data-testid="cluster">
      <div class="cluster-head">
        <h1 ref={heading} id="cluster-title" tabIndex={-1}>
          Cluster
        </h1>
        <Freshness feed={feed} />
        <a class="button" href={hashOfRoom(app.room.value)}>
          To the room {app.room.value}
        </a>
      </div>
      {state.kind === "refused" ? (
        <Refused app={app} state={state} />
      ) : (
        <>
          <FeedNotice feed={feed} />
          {picture === null ? <Waiting /> : <PictureView feed={feed} picture={picture} app={app} />}
        </>
      )}
    </div>
  );
}

interface PictureProps {
  app: AppState;
  feed: ClusterFeed;
  picture: Picture;
}

function PictureView({ app, feed, picture }: PictureProps): JSX.Element {
  const condition = conditionOf(picture);
  const isOld = feed.state.value.kind === "unreachable" || feed.state.value.kind === "paused";
  return (
    <div class={isOld ? "cluster-body old" : "cluster-body"}>
      <Summary picture={picture} condition={condition} />
      <NodesCard picture={picture} past={feed.past.value} />
      <AloneCard picture={picture} />
      <LiveRoomsCard app={app} picture={picture} />
    </div>
  );
}

/** How old what is shown is; the seconds are not read out, only that they count. */
function Freshness({ feed }: { feed: ClusterFeed }): JSX.Element {
  const state = feed.state.value;
  return (
    <span
      class="pill quiet"
      data-testid="freshness"
      data-state={pillState(state)}
      title="The figures are asked for once a second while this page is in view"
    >
      <span class="pill-dot" aria-hidden="true" />
      <span role="status">{freshnessInWords(state)}</span>
      {state.kind === "unreachable" && feed.takenMs.value > 0 && (
        <Age sinceMs={feed.takenMs.value} />
      )}
    </span>
  );
}

function Age({ sinceMs }: { sinceMs: number }): JSX.Element {
  const age = useSignal(0);
  useSignalEffect(() => {
    const tick = (): void => {
      age.value = Date.now() - sinceMs;
    };
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  });
  return <span aria-hidden="true">figures {spanInWords(age.value)} old</span>;
}

function pillState(state: FeedState): string {
  if (state.kind === "live") return "live";
  if (state.kind === "refused") return "closed";
  return state.kind === "asking" ? "connecting" : "waiting";
}

function freshnessInWords(state: FeedState): string {
  if (state.kind === "live") return "Live";
  if (state.kind === "asking") return "Asking…";
  if (state.kind === "paused") return "Paused";
  return state.kind === "refused" ? "Not shown" : "No answer,";
}

function FeedNotice({ feed }: { feed: ClusterFeed }): JSX.Element | null {
  const state = feed.state.value;
  if (state.kind !== "unreachable") return null;
  const taken = feed.takenMs.value;
  return (
    <div class="notice bad" role="alert" data-testid="unreachable-notice">
      <p>
        <strong>The server does not answer.</strong> {state.detail}{" "}
        {taken > 0 && (
          <>
            What is shown is from <time>{new Date(taken).toLocaleTimeString("en-GB")}</time>.{" "}
          </>
        )}
        It is asked again every second. Where there are other nodes, open this page on one of them.
      </p>
      <button type="button" class="button" onClick={() => feed.start()}>
        Try now
      </button>
    </div>
  );
}

function Refused({
  app,
  state,
}: {
  app: AppState;
  state: Extract<FeedState, { kind: "refused" }>;
}): JSX.Element {
  const held = app.credentials.value.kind;
  return (
    <section class="card full-notice" role="alert" data-testid="refused-notice">
      <p class="full-notice-code">{state.status}</p>
      <h2>The cluster is for owners of all rooms</h2>
      <p>
        {held === "ticket"
          ? "A ticket opens one room. This page wants a token"
          : "This page wants a token"}{" "}
        with the role of an owner in <code class="mono">**</code>, such as{" "}
        <code class="mono">bandpro token --subject me --room '**=owner'</code> makes.
      </p>
      <p class="dim">The server said: {state.detail}</p>
      <div class="remedies">
        <TokenButton app={app} />
      </div>
    </section>
  );
}

function Waiting(): JSX.Element {
  return (
    <div class="card skeleton" role="status" aria-label="Asking the server">
      {[62, 48, 71, 55].map((width) => (
        <span key={width} class="skeleton-row" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

interface SummaryProps {
  picture: Picture;
  condition: Condition;
}

function Summary({ picture, condition }: SummaryProps): JSX.Element {
  const { nodes } = picture;
  const here = nodes.find((node) => node.is_here);
  const rest = condition.problems.slice(1);
  return (
    <section class="card cluster-summary" aria-label="Summary">
      <div class={`headline ${condition.tone}`} data-testid="headline" data-tone={condition.tone}>
        <p role="status">
          <span class="pill-dot" aria-hidden="true" /> <strong>{condition.headline}</strong>
        </p>
        {rest.length > 0 && (
          <ul>
            {rest.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        )}
      </div>
      <dl class="totals">
        <Total name="Nodes live" value={`${condition.serving} of ${condition.nodes}`} />
        <Total name="Rooms open" value={condition.rooms.toLocaleString("en")} />
        <Total name="Sessions" value={condition.sessions.toLocaleString("en")} />
        <div>
          <dt>Bus{here !== undefined && nodes.length > 1 ? ` of ${here.node}` : ""}</dt>
          <dd>
            <Toned said={busInWords(here?.bus ?? null)} />
          </dd>
        </div>
      </dl>
      {here !== undefined && nodes.length > 1 && (
        <p class="hint">
          As <strong>{here.node}</strong> sees it, which answers here; any other node tells the
          same.
        </p>
      )}
    </section>
  );
}

function Total({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
