/** An address of a server for HTTP, without a slash at its end. */
export function httpBase(url: string): string {
  return url.replace(/^ws/, "http").replace(/\/+$/, "");
}

/** Where the sockets of a room are opened; the query is for load balancers alone. */
export function socketUrl(base: string, room: string): string {
  return `${base.replace(/^http/, "ws")}/hocuspocus?room=${encodeURIComponent(room)}`;
}
