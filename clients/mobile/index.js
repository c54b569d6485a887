import "./src/device/needs.ts";
import { createElement } from "react";
import { AppRegistry, I18nManager } from "react-native";
import { languageOf } from "../web/src/words/words.ts";
import { App } from "./src/app.tsx";
import { deviceStore } from "./src/device/store.ts";

const { localeIdentifier = "en" } = I18nManager.getConstants();
const language = languageOf(null, [localeIdentifier.replace("_", "-")]);
const device = deviceStore();
AppRegistry.registerComponent("BandPro", () => () => createElement(App, { device, language }));
