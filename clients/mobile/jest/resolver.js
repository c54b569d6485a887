const { dirname } = require("node:path");
const { isNextDoor, SOURCES } = require("../packages.js");
const usual = require("@react-native/jest-preset/jest/resolver.js");

const root = dirname(__dirname);

module.exports = (name, options) => {
  const source = SOURCES[name];
  if (source !== undefined) return source;
  const isForeign = !name.startsWith(".") && isNextDoor(options.basedir);
  return usual(name, isForeign ? { ...options, basedir: root } : options);
};
