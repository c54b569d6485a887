// The first script of a page. The engraver is what takes longest to be ready: where a score is asked
// for whose first rows were not drawn before, it begins beside all the rest.
import { roomIn } from "../session/address.ts";
import { isDrawn } from "../session/drawn-rooms.ts";
import { engraverWorker } from "./shared.ts";

const room = roomIn(location.hash);
const { currentScript } = document;
if (room !== "" && currentScript instanceof HTMLScriptElement && !isDrawn(room)) {
  engraverWorker(new URL("worker.js", currentScript.src));
}
