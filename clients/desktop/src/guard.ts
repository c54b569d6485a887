import type { Session, WebContents } from "electron";

/** Whether a window of a server may show this: the editor at its root, and nothing else. */
export function isPage(server: string, address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url !== null && url.origin === server && url.pathname === "/" && url.search === "";
}

/** Whether a window of a server may ask for this: the server, over HTTP and websockets. */
export function isAsked(server: string, address: string): boolean {
  // Made by the page itself; there is no origin to ask.
  if (address.startsWith("data:")) return true;
  // `blob:` has the origin of the page that made it.
  return URL.canParse(address) && new URL(address).origin.replace(/^ws/, "http") === server;
}

/** Lets a session speak to one server, and denies whatever a page might ask the device for. */
export function lockSession(session: Session, server: string): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest((asked, answer) =>
    answer({ cancel: !isAsked(server, asked.url) }),
  );
  session.on("will-download", (event, item) => {
    if (!isAsked(server, item.getURL())) event.preventDefault();
  });
}

/** Keeps a window where it is: no other page in it, in a frame, in a new window or in a view. */
export function lockContents(contents: WebContents, mayShow: (address: string) => boolean): void {
  contents.setWindowOpenHandler(() => ({ action: "deny" }));
  contents.on("will-attach-webview", (event) => event.preventDefault());
  const stay = (event: { readonly url: string; preventDefault(): void }): void => {
    if (!mayShow(event.url)) event.preventDefault();
  };
  contents.on("will-navigate", stay);
  contents.on("will-frame-navigate", stay);
  contents.on("will-redirect", stay);
}
