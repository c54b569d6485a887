import type { LiveRoom } from "./answers.ts";

export type RoomOrder = "room" | "home" | "sessions";

export interface RoomsAsked {
  filter: string;
  /** Only those that a rebalance would move. */
  onlyMoving: boolean;
  order: RoomOrder;
  descending: boolean;
}

/** The nodes that have a room open and are not its home: from there a rebalance would move it. */
export function awayFrom(room: LiveRoom): readonly string[] {
  if (room.home === null) return [];
  return room.open_on.map(({ node }) => node).filter((node) => node !== room.home);
}

/** The rooms that are asked for, in the order that is asked for; by name where that is equal. */
export function roomsAsked(rooms: readonly LiveRoom[], asked: RoomsAsked): readonly LiveRoom[] {
  const words = asked.filter.trim().toLowerCase().split(/\s+/);
  const found = rooms.filter((room) => {
    if (asked.onlyMoving && awayFrom(room).length === 0) return false;
    const text = room.room.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const way = asked.descending ? -1 : 1;
  return found.sort((a, b) => way * compare(a, b, asked.order) || byText(a.room, b.room));
}

function compare(a: LiveRoom, b: LiveRoom, order: RoomOrder): number {
  if (order === "sessions") return a.sessions - b.sessions;
  return order === "home" ? byText(a.home ?? "", b.home ?? "") : byText(a.room, b.room);
}

const collator = new Intl.Collator("en", { numeric: true });

function byText(a: string, b: string): number {
  return collator.compare(a, b);
}
