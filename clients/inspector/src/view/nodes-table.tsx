import type { ComponentChildren, JSX } from "preact";
import type { ClusterNode, GoneNode, Picture } from "../cluster/answers.ts";
import { linePoints, type Past, type PastByRun, runOf } from "../cluster/past.ts";
import {
  busDetails,
  busInWords,
  endInWords,
  LAG_WARN_MS,
  lagTone,
  msInWords,
  roomsAtHome,
  spanInWords,
  stateInWords,
} from "../cluster/words.ts";
import { counted } from "../document/tree-rows.ts";
import { Cell, GridColumn, GridRow, GridTable, RowHead } from "./grid-table.tsx";
import { Toned } from "./toned.tsx";

const COLUMNS = [
  "Node",
  "State",
  "Uptime",
  "Rooms open",
  "Sessions",
  "Load",
  "Loop lag",
  "Bus",
  "Store",
  "On a rebalance",
] as const;

interface Props {
  picture: Picture;
  past: PastByRun;
}

/** All nodes, those that are gone last. */
export function NodesCard({ picture, past }: Props): JSX.Element {
  const others = picture.nodes.length - 1;
  return (
    <section class="card nodes-card" aria-labelledby="nodes-title">
      <div class="card-head">
        <h2 id="nodes-title">Nodes</h2>
        <span class="count">{picture.nodes.length}</span>
      </div>
      <GridTable
        titledBy="nodes-title"
        testId="nodes"
        columns={COLUMNS.map((name) => <GridColumn key={name}>{name}</GridColumn>)}
      >
        {picture.nodes.map((node) => (
          <NodeRow key={runOf(node)} node={node} past={past.get(runOf(node))} others={others} />
        ))}
        {picture.gone.map((node) => (
          <GoneRow key={runOf(node)} node={node} />
        ))}
      </GridTable>
    </section>
  );
}

interface RowProps {
  node: ClusterNode;
  past: Past | undefined;
  others: number;
}

function NodeRow({ node, past, others }: RowProps): JSX.Element {
  const home = roomsAtHome(node);
  return (
    <GridRow data-node={node.node} data-state={node.state}>
      <NameCell node={node} isHere={node.is_here} />
      <Cell name="State">
        <Toned said={stateInWords(node)} />
        {node.state === "silent" && <Small>for {spanInWords(node.silent_ms)}</Small>}
      </Cell>
      <Cell name="Uptime">{node.uptime_ms === null ? "–" : spanInWords(node.uptime_ms)}</Cell>
      <Cell name="Rooms open">
        {node.rooms.toLocaleString("en")}
        <Small>
          {home.toLocaleString("en")} at home · {Math.round(node.share * 100)} % of all
        </Small>
      </Cell>
      <Cell name="Sessions">{node.sessions.toLocaleString("en")}</Cell>
      <Cell name="Load">
        <Figure text={`${Math.round(node.cpu * 100)} %`} figures={past?.cpu} least={1} />
      </Cell>
      <Cell name="Loop lag">
        <Figure
          text={msInWords(node.lag_ms)}
          tone={lagTone(node.lag_ms)}
          figures={past?.lagMs}
          least={LAG_WARN_MS}
        />
      </Cell>
      <Cell name="Bus">
        <Toned said={busInWords(node.bus)} />
        {busDetails(node.bus, others).map((said) => (
          <Small key={said.text} tone={said.tone}>
            {said.text}
          </Small>
        ))}
      </Cell>
      <Cell name="Store">
        {node.store_problem === null ? (
          <Toned said={{ text: "Well", tone: "good" }} />
        ) : (
          <>
            <Toned said={{ text: "Trouble", tone: "bad" }} />
            <Small>{node.store_problem}</Small>
          </>
        )}
      </Cell>
      <Cell name="On a rebalance">
        {node.moves.length === 0 && <span class="dim">nothing moves</span>}
        {node.moves.map((move) => (
          <div key={move.node} class="move">
            {counted(move.rooms, "room", "rooms")} to <strong>{move.node}</strong>
            <Small>with {counted(move.sessions, "session", "sessions")}</Small>
          </div>
        ))}
      </Cell>
    </GridRow>
  );
}

function GoneRow({ node }: { node: GoneNode }): JSX.Element {
  const said = endInWords(node);
  return (
    <GridRow kind="gone" data-node={node.node} data-state={node.has_left ? "left" : "dead"}>
      <NameCell node={node} isHere={false} />
      <Cell name="State">
        <Toned said={said} />
        <Small>
          {node.has_left ? "ended in good order" : "last heard"} {spanInWords(node.silent_ms)} ago
        </Small>
      </Cell>
      {COLUMNS.slice(2).map((name) => (
        <Cell key={name} name={name} kind="empty-cell">
          <span class="dim">–</span>
        </Cell>
      ))}
    </GridRow>
  );
}

function NameCell({
  node,
  isHere,
}: {
  node: Pick<ClusterNode, "node" | "address" | "version">;
  isHere: boolean;
}): JSX.Element {
  return (
    <RowHead kind="node-cell">
      <span class="node-name">
        {node.node} {isHere && <span class="tag">answers here</span>}
      </span>
      {node.address === null ? (
        <Small>no address told</Small>
      ) : (
        <a class="node-address" href={`${node.address}/#cluster`} rel="noreferrer">
          {node.address}
        </a>
      )}
      <Small>version {node.version}</Small>
    </RowHead>
  );
}

function Small({ tone = "dim", children }: { tone?: string; children: ComponentChildren }) {
  return <span class={`small ${tone}`}>{children}</span>;
}

interface FigureProps {
  text: string;
  tone?: string;
  figures: readonly number[] | undefined;
  least: number;
}

/** A figure, and the line of its last minute. */
function Figure({ text, tone = "good", figures, least }: FigureProps): JSX.Element {
  return (
    <span class={`trend ${tone}`}>
      <span>{text}</span>
      <svg class="spark" viewBox="0 0 60 18" preserveAspectRatio="none" aria-hidden="true">
        <polyline points={linePoints(figures ?? [], least, 60, 17)} />
      </svg>
    </span>
  );
}
