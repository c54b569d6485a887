"use client";

import { indexedDb } from "bandpro-sdk";
import { useConnection, useSaved, useScore, useView } from "bandpro-sdk/react";
import { use } from "react";

const SERVER = process.env.NEXT_PUBLIC_BANDPRO ?? "http://127.0.0.1:8080";
const offline = typeof indexedDB === "undefined" ? null : indexedDb();

export default function Page({ params }: { params: Promise<{ room: string[] }> }) {
  const room = use(params).room.map(decodeURIComponent).join("/");
  const score = useScore(SERVER, room, { offline });
  const connection = useConnection(score);
  const { state, unsaved } = useSaved(score);
  const view = useView(score);
  if (connection.state === "denied") return <p>No entry: {connection.reason}</p>;

  const last = view?.measures.at(-1)?.id ?? null;
  return (
    <main>
      <h1>{room}</h1>
      <p role="status">{unsaved > 0 ? `${state}: ${unsaved}` : state}</p>
      <p>{view?.measures.length ?? 0} measures</p>
      <button
        type="button"
        disabled={!score}
        onClick={() => score?.edit({ op: "InsertMeasures", after: last })}
      >
        Add a measure
      </button>
    </main>
  );
}
