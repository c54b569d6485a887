// Sets the title of a score over Hocuspocus, and ends once that is on the server's disk:
//     node hocuspocus.mjs ws://127.0.0.1:8080 demo/chorale "A better title"
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { WebSocket } from "ws";
import * as Y from "yjs";

const [server, name, title] = process.argv.slice(2);
const document = new Y.Doc();
const websocketProvider = new HocuspocusProviderWebsocket({
  url: `${server}/hocuspocus`,
  WebSocketPolyfill: WebSocket, // Node has one of its own from version 22 on
});
const provider = new HocuspocusProvider({ websocketProvider, name, document });

const meta = document.getMap("meta");
provider.on("synced", () => {
  console.log(`was ${meta.get("title")}`);
  provider.on("unsyncedChanges", ({ number }) => {
    if (number > 0) return; // not on the disk yet
    console.log(`saved ${meta.get("title")}`);
    provider.destroy();
    websocketProvider.destroy();
  });
  meta.set("title", title);
});
provider.attach(); // where the socket is made apart from the document
