import type { JSX } from "preact";
import type { RoomSession } from "../session/room-session.ts";
import { ActivityCard } from "./activity-card.tsx";
import type { AppState } from "./app-state.ts";
import { ClusterPage } from "./cluster-page.tsx";
import { DetailCard } from "./detail.tsx";
import { Dialogs } from "./dialogs.tsx";
import { Header } from "./header.tsx";
import { Notices, Remedies } from "./notices.tsx";
import { PeopleCard } from "./people-card.tsx";
import { ScoreCard } from "./score-strip.tsx";
import { Toasts } from "./toasts.tsx";
import { TreeCard } from "./tree.tsx";

export function App({ app }: { app: AppState }): JSX.Element {
  const session = app.session.value;
  const isCluster = app.page.value === "cluster";
  return (
    <>
      <button
        type="button"
        class="skip-link"
        onClick={() => document.getElementById(isCluster ? "cluster-title" : "tree")?.focus()}
      >
        {isCluster ? "Go to the cluster" : "Go to the document"}
      </button>
      <Header app={app} />
      <main class={isCluster ? "main scrolling" : "main"}>
        {isCluster ? (
          <ClusterPage app={app} />
        ) : session === null ? (
          <NoRoom app={app} />
        ) : (
          <RoomView app={app} session={session} key={session.doc.guid} />
        )}
      </main>
      <Dialogs app={app} />
      <Toasts app={app} />
      <p class="visually-hidden" role="status">
        {app.announcement.value}
      </p>
    </>
  );
}

function RoomView({ app, session }: { app: AppState; session: RoomSession }): JSX.Element {
  const state = session.connection.state.value;
  // Refused before anything was received: there is nothing to show but why.
  if (state.kind === "closed" && !session.loaded.value) {
    return (
      <section
        class="card full-notice"
        role="alert"
        data-testid="close-notice"
        data-code={state.close.code}
      >
        <p class="full-notice-code">{state.close.code}</p>
        <h1>{state.close.title}</h1>
        <p>{state.close.detail}</p>
        <Remedies app={app} close={state.close} />
      </section>
    );
  }
  return (
    <>
      <Notices app={app} session={session} />
      <ScoreCard app={app} session={session} />
      <div class="columns">
        <TreeCard app={app} session={session} />
        <DetailCard app={app} session={session} />
        <div class="side">
          <PeopleCard app={app} session={session} />
          <ActivityCard app={app} session={session} />
        </div>
      </div>
    </>
  );
}

function NoRoom({ app }: { app: AppState }): JSX.Element {
  return (
    <section class="card full-notice" role="alert">
      <h1>No room of this name</h1>
      <p>{app.roomError.value}</p>
      <button type="button" class="button primary" onClick={() => app.openRoom("demo/chorale")}>
        Open the demo chorale
      </button>
    </section>
  );
}
