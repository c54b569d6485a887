// What phones have and Node does not.
globalThis.WebSocket = require("ws");
jest.mock(
  "react-native-safe-area-context",
  () => require("react-native-safe-area-context/jest/mock").default,
);
