const { join } = require("node:path");
const { getDefaultConfig, mergeConfig } = require("@react-native/metro-config");
const { clients, isNextDoor, SOURCES } = require("./packages.js");

const here = join(__dirname, "index.js");

function resolveRequest(context, name, platform) {
  const source = SOURCES[name];
  if (source !== undefined) return { type: "sourceFile", filePath: source };
  const isForeign = !name.startsWith(".") && isNextDoor(context.originModulePath);
  const asked = isForeign ? { ...context, originModulePath: here } : context;
  return context.resolveRequest(asked, name, platform);
}

module.exports = mergeConfig(getDefaultConfig(__dirname), {
  watchFolders: ["score", "sdk", "web"].map((name) => join(clients, name, "src")),
  resolver: { resolveRequest },
});
