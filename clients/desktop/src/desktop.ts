import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { type Fetch, IMPORT_FORMATS, openLibrary } from "bandpro-sdk";
import type * as ElectronModule from "electron";
import type { BrowserWindow, Session, WebContents } from "electron";
import { addressOf, linkTo, type Place, placeOf, SCHEME, serverOf } from "./address.ts";
import {
  type FileLibrary,
  fileNameFor,
  isScoreFile,
  openFile,
  ownFile,
  saveFile,
} from "./files.ts";
import { isPage, lockContents, lockSession } from "./guard.ts";
import type { Memory } from "./memory.ts";
import { type Command, menusFor } from "./menu.ts";
import { answer } from "./pages.ts";
import type { Words } from "./words.ts";

/** All of Electron that is used here: a stand-in for it runs in tests. */
export type Electron = Pick<
  typeof ElectronModule,
  "app" | "BrowserWindow" | "clipboard" | "dialog" | "Menu" | "session"
>;

export interface DesktopSetup {
  readonly memory: Memory;
  readonly words: Words;
  /** Folder of the built editor; null where none came along. */
  readonly editor: string | null;
  readonly platform: NodeJS.Platform;
}

/** Where `make run` starts a server. */
const DEFAULT_SERVER = "http://127.0.0.1:8080";
const SERVER_OPTION = "--server=";
/** Where the editor keeps the token that it was given, in each window (`clients/web`). */
const TOKEN_KEY = "bandpro.token";
// A world of its own, in which scripts of the page run nothing; 999 is Electron's.
const WORLD = 1_000;

/** The application: its windows, and what menus, links and files ask of them. */
export class Desktop {
  readonly #electron: Electron;
  readonly #setup: DesktopSetup;
  readonly #sessions = new Map<string, Session>();
  /** The server of each window, by the number of its contents. */
  readonly #servers = new Map<number, string>();

  constructor(electron: Electron, setup: DesktopSetup) {
    this.#electron = electron;
    this.#setup = setup;
  }

  /** Begins; gives up at once where the application runs already, which is told the arguments. */
  async start(args: readonly string[]): Promise<void> {
    const { app } = this.#electron;
    if (!app.requestSingleInstanceLock()) {
      app.quit();
      return;
    }
    app.enableSandbox();
    app.setAsDefaultProtocolClient(SCHEME);
    app.on("web-contents-created", (_event, contents) =>
      lockContents(contents, (address) => this.#mayShow(contents, address)),
    );
    app.on("second-instance", (_event, others, folder) => void this.take(others, folder));
    app.on("open-url", (event, link) => {
      event.preventDefault();
      void this.take([link]);
    });
    app.on("open-file", (event, path) => {
      event.preventDefault();
      void this.take([path]);
    });
    app.on("browser-window-focus", () => this.#showMenus());
    app.on("window-all-closed", () => {
      if (this.#setup.platform !== "darwin") app.quit();
    });
    app.on("activate", () => {
      if (this.#windows().length === 0) this.#open({ server: this.#server(), room: "" });
    });
    await this.take(args);
    this.#showMenus();
    if (this.#windows().length === 0) this.#open({ server: this.#server(), room: "" });
  }

  /**
   * Takes what the application was started with, or asked for later: `--server=`, deep links,
   * addresses, and files of scores. Anything else is left alone.
   */
  async take(args: readonly string[], folder = "."): Promise<void> {
    // A link may be what the application is started for.
    await this.#electron.app.whenReady();
    for (const arg of args) {
      if (arg.startsWith(SERVER_OPTION)) {
        const server = serverOf(arg.slice(SERVER_OPTION.length));
        if (server === null) this.#tell(arg);
        else await this.#visit({ server, room: "" });
      } else if (arg.startsWith("-")) {
        // An option of Chromium's.
      } else if (placeOf(arg) !== null) {
        await this.#visitLink(arg);
      } else if (isScoreFile(arg)) {
        await this.#guarded(() => this.#openFile(resolve(folder, arg)));
      }
    }
  }

  /** Does what a menu asks for, with the window in front. */
  async run(command: Command): Promise<void> {
    const { clipboard } = this.#electron;
    const window = this.#front();
    const place = window === null ? null : this.#placeIn(window);
    const server = place?.server ?? this.#server();
    if (command === "list") this.#show(window, { server, room: "" });
    else if (command === "new-window") this.#open({ server, room: "" });
    else if (command === "open-file") await this.#guarded(() => this.#chooseFile());
    else if (command === "open-address") await this.#visitLink(await clipboard.readText());
    else if (window === null || place === null || place.room === "") return;
    else if (command === "copy-link") await clipboard.writeText(linkTo(place));
    else await this.#guarded(() => this.#save(window, place, command === "save-as"));
  }

  async #visitLink(text: string): Promise<void> {
    const place = placeOf(text.trim());
    if (place === null) this.#tell(this.#setup.words.notAnAddress);
    else await this.#visit(place);
  }

  /** Shows a place; a server that was never used is asked about first. */
  async #visit(place: Place): Promise<void> {
    if (await this.#agreed(place.server)) this.#show(this.#windowOn(place) ?? null, place);
  }

  async #agreed(server: string): Promise<boolean> {
    const { memory, words } = this.#setup;
    if (server !== DEFAULT_SERVER && !memory.servers.includes(server)) {
      const { response } = await this.#electron.dialog.showMessageBox({
        type: "question",
        message: words.newServer.replace("{server}", server),
        detail: words.newServerDetail,
        buttons: [words.connect, words.cancel],
        defaultId: 1,
        cancelId: 1,
      });
      if (response !== 0) return false;
    }
    memory.useServer(server);
    return true;
  }

  async #chooseFile(): Promise<void> {
    const { filePaths } = await this.#electron.dialog.showOpenDialog({
      properties: ["openFile"],
      filters: [this.#filter([...IMPORT_FORMATS.keys()])],
    });
    for (const path of filePaths) await this.#openFile(path);
  }

  async #openFile(path: string): Promise<void> {
    const server = this.#server();
    const window = this.#front();
    const library = await this.#library(server, window);
    this.#show(window, await openFile(path, server, library, this.#setup.memory));
    this.#electron.app.addRecentDocument(path);
  }

  async #save(window: BrowserWindow, place: Place, isElsewhere: boolean): Promise<void> {
    const own = isElsewhere ? null : ownFile(place, this.#setup.memory);
    let path = own ?? "";
    if (own === null) {
      const chosen = await this.#electron.dialog.showSaveDialog(window, {
        defaultPath: fileNameFor(place.room),
        filters: [this.#filter(["musicxml", "xml"])],
      });
      path = chosen.canceled ? "" : chosen.filePath;
    }
    if (path === "") return;
    const library = await this.#library(place.server, window);
    await saveFile(path, place, library, this.#setup.memory);
  }

  /** The scores of a server, on behalf of whoever is signed in there in a window. */
  async #library(server: string, window: BrowserWindow | null): Promise<FileLibrary> {
    const session = this.#session(server);
    const token = window === null ? null : await tokenIn(window.webContents);
    const fetch: Fetch = (asked, details) => session.fetch(String(asked), forwarded(details));
    return openLibrary(server, token === null ? { fetch } : { fetch, token: () => token });
  }

  #show(window: BrowserWindow | null, place: Place): void {
    if (window === null || this.#servers.get(window.webContents.id) !== place.server) {
      this.#open(place);
      return;
    }
    void window.loadURL(addressOf(place)).catch(() => {}); // the page itself tells what is wrong
    if (window.isMinimized()) window.restore();
    window.focus();
  }

  #open(place: Place): void {
    const { app, BrowserWindow, dialog } = this.#electron;
    const { words } = this.#setup;
    const window = new BrowserWindow({
      ...{ width: 1_200, height: 820, minWidth: 360, minHeight: 400 },
      title: "BandPro",
      webPreferences: {
        session: this.#session(place.server),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        nodeIntegrationInWorker: false,
        webSecurity: true,
        webviewTag: false,
        allowRunningInsecureContent: false,
        navigateOnDragDrop: false,
        devTools: !app.isPackaged,
      },
    });
    const { webContents } = window;
    const { id } = webContents;
    this.#servers.set(id, place.server);
    window.on("closed", () => this.#servers.delete(id));
    webContents.on("did-navigate-in-page", () => this.#showMenus());
    // A page that holds unsaved edits would otherwise not be closed, without a word.
    webContents.on("will-prevent-unload", (event) => {
      const asked = {
        type: "warning" as const,
        message: words.unsaved,
        buttons: [words.leave, words.stay],
        ...{ defaultId: 1, cancelId: 1 },
      };
      if (dialog.showMessageBoxSync(window, asked) === 0) event.preventDefault();
    });
    void window.loadURL(addressOf(place)).catch(() => {}); // the page itself tells what is wrong
  }

  /** What a server's windows keep, and how they ask; apart from those of any other server. */
  #session(server: string): Session {
    const known = this.#sessions.get(server);
    if (known !== undefined) return known;
    const name = createHash("sha256").update(server).digest("hex").slice(0, 16);
    const session = this.#electron.session.fromPartition(`persist:${name}`);
    lockSession(session, server);
    const forward = (request: Request): Promise<Response> => session.fetch(request, forwarded());
    const setup = { server, folder: this.#setup.editor, forward };
    for (const scheme of ["http", "https"]) {
      session.protocol.handle(scheme, (request) => answer(setup, request));
    }
    this.#sessions.set(server, session);
    return session;
  }

  #showMenus(): void {
    const { Menu } = this.#electron;
    const { words, platform } = this.#setup;
    const front = this.#front();
    const setup = {
      words,
      isMac: platform === "darwin",
      hasScore: front !== null && (this.#placeIn(front)?.room ?? "") !== "",
      run: (command: Command) => void this.run(command),
    };
    Menu.setApplicationMenu(Menu.buildFromTemplate(menusFor(setup)));
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  #tell(detail: string): void {
    const { failed: message } = this.#setup.words;
    void this.#electron.dialog.showMessageBox({ type: "error", message, detail });
  }

  #mayShow(contents: WebContents, address: string): boolean {
    const server = this.#servers.get(contents.id);
    return server !== undefined && isPage(server, address);
  }

  #placeIn(window: BrowserWindow): Place | null {
    return placeOf(window.webContents.getURL());
  }

  #windowOn({ server, room }: Place): BrowserWindow | undefined {
    return this.#windows().find((window) => {
      const shown = this.#placeIn(window);
      return shown?.server === server && shown.room === room;
    });
  }

  #windows(): BrowserWindow[] {
    return this.#electron.BrowserWindow.getAllWindows();
  }

  #front(): BrowserWindow | null {
    return this.#electron.BrowserWindow.getFocusedWindow() ?? this.#windows()[0] ?? null;
  }

  #server(): string {
    return this.#setup.memory.servers[0] ?? DEFAULT_SERVER;
  }

  #filter(extensions: string[]): { name: string; extensions: string[] } {
    return { name: this.#setup.words.scores, extensions };
  }
}

/** Straight to the server, which leads nowhere else. */
function forwarded(
  details: RequestInit = {},
): RequestInit & { bypassCustomProtocolHandlers: true } {
  return { ...details, redirect: "error", bypassCustomProtocolHandlers: true };
}

/** The token that a window was given; it is part of no address, file or message. */
async function tokenIn(contents: WebContents): Promise<string | null> {
  const code = `sessionStorage.getItem(${JSON.stringify(TOKEN_KEY)})`;
  const found: unknown = await contents.executeJavaScriptInIsolatedWorld(WORLD, [{ code }]);
  return typeof found === "string" && found !== "" ? found : null;
}
