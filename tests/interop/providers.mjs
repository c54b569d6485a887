// The stock providers, each behind the same few words. Nothing here changes how they behave,
// save for what every Node program must give them: a WebSocket, and no broadcast channel.

import { WebSocket as NodeWebSocket } from "ws";
import { classic, unified } from "./documents.mjs";

// Browsers say nothing when a socket is closed while it connects. Node ends the process, unless
// somebody listens; the providers stop listening before they close.
export class WebSocket extends NodeWebSocket {
  constructor(...details) {
    super(...details);
    this.on("error", () => {});
    open.add(this);
    this.on("close", () => open.delete(this));
  }
}

const open = new Set();

// Cuts every connection, and waits until none is left.
export async function cutAll() {
  for (const socket of open) {
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.terminate();
    await closed;
  }
}

// For how long a provider was not in sync, each time that its connection ended.
class Away {
  ms = [];
  since = null;

  ended() {
    this.since ??= performance.now();
  }

  synced() {
    if (this.since !== null) this.ms.push(performance.now() - this.since);
    this.since = null;
  }
}

class YWebsocket {
  constructor(Provider, { doc, url, room, options, note }) {
    this.closes = [];
    this.away = new Away();
    this.provider = new Provider(url, room, doc, {
      WebSocketPolyfill: WebSocket,
      disableBc: true,
      ...options,
    });
    this.provider.on("status", note);
    this.provider.on("sync", (synced) => {
      if (synced) this.away.synced();
      note();
    });
    this.provider.on("connection-close", (event) => {
      if (event) this.closes.push({ code: event.code, reason: event.reason });
      this.away.ended();
      note();
    });
  }

  get awareness() {
    return this.provider.awareness;
  }

  get socket() {
    return this.provider.ws;
  }

  view() {
    return {
      status: this.provider.wsconnected ? "connected" : "disconnected",
      synced: this.provider.synced,
    };
  }

  // Where these providers read what the next connection sends.
  credentials({ params }) {
    this.provider.params = params;
    // Version 1 reads its parameters once; its address can be replaced.
    if (Object.hasOwn(this.provider, "url")) {
      this.provider.url = `${this.provider.url.split("?")[0]}?${new URLSearchParams(params)}`;
    }
  }

  connect() {
    this.provider.connect();
  }

  disconnect() {
    this.provider.disconnect();
  }

  destroy() {
    this.provider.destroy();
  }
}

class Hocuspocus {
  constructor(Provider, { doc, url, room, options, note, socketOf }) {
    this.closes = [];
    this.away = new Away();
    this.denied = [];
    this.syncedEvents = 0;
    this.currentToken = options.token;
    const { token: _, shared, ...rest } = options;
    const transport = shared
      ? { websocketProvider: socketOf(url) }
      : { url, WebSocketPolyfill: WebSocket, ...this.quick };
    // Version 2 sends no token message at all unless the configured token is truthy.
    const token = this.currentToken === undefined ? {} : { token: () => this.currentToken };
    this.provider = new Provider({
      ...transport,
      name: room,
      document: doc,
      broadcast: false,
      quiet: true,
      ...token,
      ...rest,
    });
    if (shared) this.provider.attach?.();
    this.provider.on("unsyncedChanges", note);
    this.provider.on("status", note);
    this.provider.on("synced", () => {
      this.syncedEvents += 1;
      this.away.synced();
      note();
    });
    this.provider.on("authenticated", note);
    this.provider.on("authenticationFailed", ({ reason }) => {
      this.denied.push(reason);
      note();
    });
    this.provider.on("close", ({ event }) => {
      this.closes.push({ code: event.code, reason: event.reason });
      this.away.ended();
      note();
    });
  }

  // Reconnect soon: the providers' own second and more is only time lost here.
  get quick() {
    return { delay: 100, minDelay: 50, maxDelay: 500 };
  }

  get awareness() {
    return this.provider.awareness;
  }

  get transport() {
    return this.provider.configuration.websocketProvider;
  }

  get socket() {
    return this.transport.webSocket;
  }

  view() {
    return {
      status: this.transport.status,
      synced: this.provider.synced,
      syncedEvents: this.syncedEvents,
      unsynced: this.provider.unsyncedChanges,
      hasUnsynced: this.provider.hasUnsyncedChanges,
      authenticated: this.provider.isAuthenticated,
      scope: this.provider.authorizedScope ?? null,
      denied: this.denied,
    };
  }

  credentials({ token }) {
    this.currentToken = token;
  }

  // Signs one document of a shared socket in anew, and leaves the socket as it is.
  reattach() {
    if (this.provider.attach) {
      this.provider.detach();
      this.provider.attach();
    } else {
      this.provider.connect();
    }
  }

  sendToken() {
    return this.provider.sendToken();
  }

  connect() {
    this.transport.connect();
  }

  disconnect() {
    this.transport.disconnect();
  }

  destroy() {
    this.provider.destroy();
  }
}

const yWebsocket = (load, documents = classic) => async () => {
  const { WebsocketProvider } = await load();
  return {
    documents: await documents(),
    open: (details) => new YWebsocket(WebsocketProvider, details),
    reset: () => {},
  };
};

const hocuspocus = (load) => async () => {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } = await load();
  const sockets = new Map();
  const socketOf = (url) => {
    if (!sockets.has(url)) {
      const configuration = { url, WebSocketPolyfill: WebSocket, delay: 100, minDelay: 50 };
      sockets.set(url, new HocuspocusProviderWebsocket(configuration));
    }
    return sockets.get(url);
  };
  return {
    documents: await classic(),
    open: (details) => new Hocuspocus(HocuspocusProvider, { ...details, socketOf }),
    reset: () => {
      for (const shared of sockets.values()) shared.destroy();
      sockets.clear();
    },
  };
};

export const CLIENTS = {
  "y-websocket-1": yWebsocket(() => import("y-websocket-1")),
  "y-websocket-2": yWebsocket(() => import("y-websocket-2")),
  "y-websocket-3": yWebsocket(() => import("y-websocket-3")),
  "y-websocket-4": yWebsocket(() => import("@y/websocket"), unified),
  "hocuspocus-2": hocuspocus(() => import("hocuspocus-provider-2")),
  "hocuspocus-3": hocuspocus(() => import("hocuspocus-provider-3")),
  "hocuspocus-4": hocuspocus(() => import("hocuspocus-provider-4")),
};
