// The first script of a page. The engraver is what takes longest to be ready: where a score is asked
// for whose first rows were not drawn before, it begins beside all the rest.
import { roomIn } from "../session/address.ts";
import { isDrawn } from "../session/drawn-scores.ts";
import { copyKey } from "../session/token.ts";
import { engraverWorker } from "./shared.ts";

const room = roomIn(location.hash);
const { currentScript } = document;
const key = copyKey(room);
const isKnown = key !== null && isDrawn(key);
if (room !== "" && currentScript instanceof HTMLScriptElement && !isKnown) {
  engraverWorker(new URL("worker.js", currentScript.src));
}
