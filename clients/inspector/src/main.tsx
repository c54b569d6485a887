import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/score.css";
import "./styles/tree.css";
import "./styles/panels.css";
import "./styles/cluster.css";
import "./styles/motion.css";
import { App } from "./view/app.tsx";
import { AppState } from "./view/app-state.ts";
import { startShortcuts } from "./view/shortcuts.ts";
import { startTheme } from "./view/theme.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no element #app");

const app = new AppState();
startTheme();
startShortcuts(app);
app.start();
render(<App app={app} />, root);

window.addEventListener("beforeunload", (event) => {
  // Unsaved edits live in this tab alone.
  const saved = app.session.value?.saved.value;
  if (saved !== undefined && saved.kind !== "saved" && saved.kind !== "refused") {
    event.preventDefault();
  }
});
