// Where the packages next door are, for Metro and Jest alike: they are taken from their sources, and
// whatever those need is this application's own copy.
const { join, resolve, sep } = require("node:path");

const clients = resolve(__dirname, "..");
const SOURCES = {
  "bandpro-score": join(clients, "score/src/index.ts"),
  "bandpro-sdk": join(clients, "sdk/src/index.ts"),
  "bandpro-sdk/react": join(clients, "sdk/src/react/index.ts"),
  // Its form for React Native asks for a package that nobody keeps any more.
  "lib0/webcrypto": join(__dirname, "src/device/webcrypto.js"),
};

/** Whether a file, or a folder, is of a package next door. */
function isNextDoor(path) {
  return path.startsWith(clients + sep) && !(path + sep).startsWith(__dirname + sep);
}

module.exports = { clients, isNextDoor, SOURCES };
