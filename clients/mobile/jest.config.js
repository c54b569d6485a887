module.exports = {
  preset: "@react-native/jest-preset",
  resolver: "<rootDir>/jest/resolver.js",
  setupFiles: ["<rootDir>/jest/setup.js"],
  testMatch: ["<rootDir>/jest/**/*.test.tsx"],
  transform: { "^.+\\.(js|mjs|ts|tsx)$": "babel-jest" },
  // What is written for bundlers alone.
  transformIgnorePatterns: [
    "node_modules/(?!((@react-native|react-native|@hocuspocus|lib0|yjs|y-protocols)[^/]*|@lifeomic)/)",
  ],
  testTimeout: 30_000,
};
