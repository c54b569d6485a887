module.exports = {
  presets: ["module:@react-native/babel-preset"],
  // The provider has such blocks; Hermes has not.
  plugins: ["@babel/plugin-transform-class-static-block"],
};
