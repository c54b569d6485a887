// Follows the title of a score over y-websocket, and may set it first:
//     node y-websocket.mjs ws://127.0.0.1:8080 demo/chorale "A better title"
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const [server, room, title] = process.argv.slice(2);
const doc = new Y.Doc();
const provider = new WebsocketProvider(`${server}/collab`, room, doc, {
  WebSocketPolyfill: WebSocket, // Node has one of its own from version 22 on
});

const meta = doc.getMap("meta");
provider.once("sync", () => {
  console.log(`was ${meta.get("title")}`);
  meta.observe(() => console.log(`now ${meta.get("title")}`));
  if (title !== undefined) meta.set("title", title);
});
