import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { LiveRoom, Picture } from "../cluster/answers.ts";
import { awayFrom, type RoomOrder, roomsAsked } from "../cluster/live-rooms.ts";
import { counted } from "../document/tree-rows.ts";
import { checkRoomName, hashOfRoom } from "../room/room-name.ts";
import type { AppState } from "./app-state.ts";
import { Cell, GridColumn, GridRow, GridTable, RowHead } from "./grid-table.tsx";
import { HomeLookup } from "./home-lookup.tsx";
import { Down, Search, Up } from "./icons.tsx";

const PAGE_ROOMS = 50;

const columns: ReadonlyArray<[name: string, order: RoomOrder | null]> = [
  ["Room", "room"],
  ["At home on", "home"],
  ["Open on", null],
  ["Sessions", "sessions"],
  ["On a rebalance", null],
];

/** The rooms that are open on any node: where they are at home, and how many are in them. */
export function LiveRoomsCard({ app, picture }: { app: AppState; picture: Picture }): JSX.Element {
  const filter = useSignal("");
  const onlyMoving = useSignal(false);
  const order = useSignal<RoomOrder>("sessions");
  const descending = useSignal(true);
  const shown = useSignal(PAGE_ROOMS);
  const found = roomsAsked(picture.rooms, {
    filter: filter.value,
    onlyMoving: onlyMoving.value,
    order: order.value,
    descending: descending.value,
  });
  const name = filter.value.trim();
  const isListed = picture.rooms.some((room) => room.room === name);
  return (
    <section class="card rooms-card" aria-labelledby="rooms-title">
      <div class="card-head">
        <h2 id="rooms-title">Rooms</h2>
        <span class="count">{picture.rooms.length}</span>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyMoving.value}
            data-testid="only-moving"
            onChange={(event) => {
              onlyMoving.value = event.currentTarget.checked;
            }}
          />
          Only what a rebalance moves
        </label>
        <div class="filter">
          <Search />
          <input
            id="rooms-filter"
            type="search"
            class="filter-input"
            placeholder="Search rooms"
            aria-label="Search the rooms by words in their names"
            data-testid="rooms-filter"
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => {
              filter.value = event.currentTarget.value;
              shown.value = PAGE_ROOMS;
            }}
          />
        </div>
      </div>
      <p class="hint padded" role="status" data-testid="rooms-count">
        {found.length === picture.rooms.length
          ? wholeInWords(picture)
          : `${counted(found.length, "room", "rooms")} of ${picture.rooms.length} listed`}
      </p>
      {found.length > 0 && (
        <GridTable
          titledBy="rooms-title"
          testId="rooms"
          columns={columns.map(([title, by]) => (
            <GridColumn key={title} sorted={by === order.value ? way(descending.value) : undefined}>
              {by === null ? (
                title
              ) : (
                <button
                  type="button"
                  class="sort"
                  onClick={() => {
                    descending.value = by === order.value ? !descending.value : by === "sessions";
                    order.value = by;
                  }}
                >
                  {title}
                  {by === order.value && (descending.value ? <Down /> : <Up />)}
                </button>
              )}
            </GridColumn>
          ))}
        >
          {found.slice(0, shown.value).map((room) => (
            <RoomRow key={room.room} room={room} />
          ))}
        </GridTable>
      )}
      {found.length > shown.value && (
        <button
          type="button"
          class="button more-rooms"
          onClick={() => {
            shown.value += PAGE_ROOMS;
          }}
        >
          Show {Math.min(PAGE_ROOMS, found.length - shown.value)} more
        </button>
      )}
      {name !== "" && !isListed && checkRoomName(name).ok && (
        <HomeLookup app={app} name={name} key={name} />
      )}
    </section>
  );
}

function wholeInWords(picture: Picture): string {
  if (picture.rooms.length === 0) return "No room is open.";
  if (picture.isWhole) return "All rooms that are open. Others are at home somewhere as well.";
  return "The busiest rooms. Each node names up to 50, so search finds no others: ask for a name.";
}

function way(descending: boolean): "ascending" | "descending" {
  return descending ? "descending" : "ascending";
}

function RoomRow({ room }: { room: LiveRoom }): JSX.Element {
  const away = awayFrom(room);
  return (
    <GridRow data-room={room.room}>
      <RowHead kind="room-cell">
        <a class="mono" href={hashOfRoom(room.room)}>
          {room.room}
        </a>
      </RowHead>
      <Cell name="At home on">{room.home ?? <span class="dim">nobody serves</span>}</Cell>
      <Cell name="Open on">
        <span class="places">
          {room.open_on.map((place) => (
            <span key={place.node} class={place.node === room.home ? "place home" : "place"}>
              {place.node} <strong>{place.sessions}</strong>
            </span>
          ))}
        </span>
      </Cell>
      <Cell name="Sessions">{room.sessions.toLocaleString("en")}</Cell>
      <Cell name="On a rebalance">
        {away.length === 0 ? (
          <span class="dim">stays</span>
        ) : (
          <span>
            leaves {away.join(", ")} for <strong>{room.home}</strong>
          </span>
        )}
      </Cell>
    </GridRow>
  );
}
