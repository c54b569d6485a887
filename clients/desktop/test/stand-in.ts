import { EventEmitter } from "node:events";
import type {
  BrowserWindowConstructorOptions,
  MenuItemConstructorOptions,
  MessageBoxOptions,
} from "electron";
import type { Electron } from "../src/desktop.ts";

type Handler = (request: Request) => Promise<Response>;
type Asked = { url: string };

/** What a page may do in a session, as Electron asks its handlers. */
export class StandInSession extends EventEmitter {
  readonly schemes = new Map<string, Handler>();
  readonly permissions: ((granted: boolean) => void)[] = [];
  mayUse: (permission: string) => boolean = () => true;
  mayCheck: () => boolean = () => true;
  mayPickDevice: () => boolean = () => true;
  isCancelled: (asked: Asked) => boolean = () => false;

  readonly protocol = {
    handle: (scheme: string, handler: Handler) => void this.schemes.set(scheme, handler),
  };

  readonly webRequest = {
    onBeforeRequest: (
      listener: (asked: Asked, answer: (told: { cancel: boolean }) => void) => void,
    ) => {
      this.isCancelled = (asked) => {
        let isCancelled = false;
        listener(asked, ({ cancel }) => {
          isCancelled = cancel;
        });
        return isCancelled;
      };
    },
  };

  setPermissionRequestHandler(
    handler: (contents: null, permission: string, answer: (granted: boolean) => void) => void,
  ): void {
    this.mayUse = (permission) => {
      let isGranted = true;
      handler(null, permission, (granted) => {
        isGranted = granted;
      });
      return isGranted;
    };
  }

  setPermissionCheckHandler(handler: () => boolean): void {
    this.mayCheck = handler;
  }

  setDevicePermissionHandler(handler: () => boolean): void {
    this.mayPickDevice = handler;
  }

  /** The network is the real one. */
  fetch(asked: string | Request, { bypassCustomProtocolHandlers: _, ...details }: FetchDetails) {
    return fetch(asked, details);
  }
}

type FetchDetails = RequestInit & { bypassCustomProtocolHandlers?: boolean };
type Opener = (details: { url: string }) => { action: string };

export class StandInContents extends EventEmitter {
  static count = 0;
  readonly id = ++StandInContents.count;
  /** What is in the page's session storage. */
  readonly stored = new Map<string, string>();
  address = "";
  opener: Opener = () => ({ action: "allow" });

  getURL(): string {
    return this.address;
  }

  setWindowOpenHandler(opener: Opener): void {
    this.opener = opener;
  }

  async executeJavaScriptInIsolatedWorld(_world: number, scripts: { code: string }[]) {
    const sessionStorage = { getItem: (key: string) => this.stored.get(key) ?? null };
    const run = new Function("sessionStorage", `return ${scripts[0]?.code}`);
    return run(sessionStorage);
  }

  /** Whether Electron goes on after an event that can be prevented. */
  goesOn(event: string, details: object = {}): boolean {
    let isPrevented = false;
    const preventDefault = (): void => {
      isPrevented = true;
    };
    this.emit(event, { ...details, preventDefault });
    return !isPrevented;
  }
}

export type StandInWindow = EventEmitter & {
  readonly options: BrowserWindowConstructorOptions;
  readonly session: StandInSession;
  readonly webContents: StandInContents;
  /** What the page was answered, last. */
  answer: Response | null;
  close(): void;
};

/** Electron as far as it is used: what happened, and what a person does. */
export class StandIn {
  readonly app: EventEmitter;
  readonly windows: StandInWindow[] = [];
  readonly sessions = new Map<string, StandInSession>();
  readonly told: MessageBoxOptions[] = [];
  readonly done: string[] = [];
  menus: MenuItemConstructorOptions[] = [];
  clipboard = "";
  /** What the person chooses: the button, the files, where to save. */
  button = 0;
  chosen: string[] = [];
  target = "";
  isFirst = true;

  constructor() {
    const note =
      (what: string) =>
      (...details: unknown[]): void =>
        void this.done.push([what, ...details].join(" "));
    this.app = Object.assign(new EventEmitter(), {
      isPackaged: true,
      whenReady: async () => {},
      requestSingleInstanceLock: () => this.isFirst,
      enableSandbox: note("sandbox"),
      setAsDefaultProtocolClient: note("scheme"),
      addRecentDocument: note("recent"),
      quit: note("quit"),
    });
  }

  /** The same, as Electron's module. */
  get electron(): Electron {
    const standIn = this;
    class BrowserWindow extends EventEmitter {
      readonly webContents = new StandInContents();
      readonly session: StandInSession;
      answer: Response | null = null;

      constructor(readonly options: BrowserWindowConstructorOptions) {
        super();
        this.session = options.webPreferences?.session as unknown as StandInSession;
        standIn.windows.push(this);
        standIn.app.emit("web-contents-created", {}, this.webContents);
      }

      async loadURL(address: string): Promise<void> {
        this.webContents.address = address;
        const handler = this.session.schemes.get(new URL(address).protocol.slice(0, -1));
        this.answer = (await handler?.(new Request(address))) ?? null;
      }

      isMinimized = (): boolean => false;
      restore = (): void => {};
      focus = (): void => {};
      close(): void {
        standIn.windows.splice(standIn.windows.indexOf(this), 1);
        this.emit("closed");
      }

      static getAllWindows = () => standIn.windows;
      static getFocusedWindow = () => standIn.windows.at(-1) ?? null;
    }
    const session = {
      fromPartition: (name: string) => {
        const made = this.sessions.get(name) ?? new StandInSession();
        this.sessions.set(name, made);
        return made;
      },
    };
    const dialog = {
      showMessageBox: async (options: MessageBoxOptions) => {
        this.told.push(options);
        return { response: this.button };
      },
      showMessageBoxSync: (_window: unknown, options: MessageBoxOptions) => {
        this.told.push(options);
        return this.button;
      },
      showOpenDialog: async () => ({ filePaths: this.chosen }),
      showSaveDialog: async () => ({ canceled: this.target === "", filePath: this.target }),
    };
    const Menu = {
      buildFromTemplate: (items: MenuItemConstructorOptions[]) => items,
      setApplicationMenu: (items: MenuItemConstructorOptions[]) => {
        this.menus = items;
      },
    };
    const clipboard = {
      readText: async () => this.clipboard,
      writeText: async (text: string) => {
        this.clipboard = text;
      },
    };
    const { app } = this;
    return { app, BrowserWindow, clipboard, dialog, Menu, session } as unknown as Electron;
  }

  /** An item of a menu, by its id. */
  item(id: string): MenuItemConstructorOptions | undefined {
    return this.menus
      .flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : []))
      .find((each) => each.id === id);
  }
}
