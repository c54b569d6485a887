// The application with the real SDK, against a real server at BANDPRO_URL (BANDPRO_TOKEN).
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { fireEvent, render, screen, waitFor } from "@testing-library/react-native";
import { type KeyValueStore, openLibrary, openScore } from "bandpro-sdk";
import { TuneScreen } from "../examples/screen.tsx";
import { App } from "../src/app.tsx";

const server = process.env["BANDPRO_URL"] ?? "";
const token = process.env["BANDPRO_TOKEN"] ?? "";
const room = `scores/phone-${Date.now()}`;
const giveToken = () => token;
const WAITING = { timeout: 10_000 };

function deviceOf(kept: Map<string, string>): KeyValueStore {
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

const press = (label: string | RegExp) => fireEvent.press(screen.getByLabelText(label));
const write = (label: string, text: string) =>
  fireEvent.changeText(screen.getByLabelText(label), text);
const seen = (text: string | RegExp) => waitFor(() => screen.getByText(text), WAITING);

/** A network between the application and the server. */
class Network {
  readonly #sockets = new Set<Socket>();
  readonly #way = createServer((near) => {
    const { hostname, port } = new URL(server);
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => this.#sockets.delete(one));
      one.pipe(other);
    }
  });
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async begin(): Promise<void> {
    this.#way.listen(this.#port, "127.0.0.1");
    await once(this.#way, "listening");
    this.#port = (this.#way.address() as AddressInfo).port;
  }

  async end(): Promise<void> {
    const ended = once(this.#way, "close");
    this.#way.close();
    for (const socket of this.#sockets) socket.destroy();
    await ended;
  }
}

async function connected(device: KeyValueStore, given: string, at = server): Promise<void> {
  await render(<App device={device} language="en" />);
  await waitFor(() => screen.getByLabelText("Server"));
  await write("Server", at);
  await write("Your name", "Anna");
  await write("Token, where the server asks for one", given);
  await press("Connect");
}

const withServer = server === "" ? test.skip : test;

withServer(
  "a score is found, written in, spoken about, followed, and kept",
  async () => {
    const library = openLibrary(server, { token: giveToken });
    await library.create(room, { title: "Phone air", template: "solo", measures: 2 });
    const kept = new Map<string, string>();
    const device = deviceOf(kept);
    const network = new Network();
    await network.begin();
    await connected(device, token, network.url);
    await waitFor(() => screen.getByLabelText("Phone air"), WAITING);
    await press("Phone air");
    await seen("Saved");

    // Written with buttons: a quarter, an eighth, its sharp; the eighth taken back.
    await press("Next");
    await press("C");
    await press("Eighth");
    await press("E");
    await press("Sharp");
    await press("Undo");
    await press("Undo");
    await seen("Saved");
    const music = () => library.musicXml(room).then((bytes) => new TextDecoder().decode(bytes));
    await waitFor(async () => expect(await music()).toContain("<step>C</step>"), WAITING);
    expect(await music()).not.toContain("<step>E</step>");

    // Another visit is there, under the token's name whatever it says itself; it is followed, and told.
    const other = openScore(server, room, { token: giveToken });
    await other.whenSynced();
    const [measure] = other.view.get().measures.slice(1);
    other.presence.show({ name: "Ben", selection: [measure?.id ?? ""] });
    await waitFor(() => screen.getByLabelText("Anna"), WAITING);
    await press("Anna");
    await seen("Following Anna");
    const anna = () => other.presence.people.get().find(({ name }) => name === "Anna");
    await waitFor(() => expect(anna()?.following).toBe(other.presence.clientId), WAITING);

    // A comment on the note that a touch selects.
    await press("Following Anna");
    const { x, y } = firstHead();
    await fireEvent.press(screen.getByLabelText("Phone air 1"), {
      nativeEvent: { locationX: x, locationY: y },
    });
    await seen("measure 1: C5");
    await press("Comments");
    await write("About the selected note", "So high?");
    await press("Comment");
    await seen("Anna: So high?");
    const stop = other.comments.threads.subscribe(() => {});
    await waitFor(() => expect(other.comments.threads.get()).toHaveLength(1), WAITING);
    expect(other.comments.threads.get()[0]?.anchor).toBe("attached");
    stop();
    await screen.unmount();
    // The SDK keeps a score open for a moment; then what comes next is from the device.
    await waitFor(() => expect(anna()).toBeUndefined(), WAITING);
    other.close();

    // Without a network all that is opened again from the device, and goes on.
    await network.end();
    await connected(device, token, network.url);
    await seen("The server was not reached. This is the list as it was last.");
    await press("Phone air");
    await seen(/^Offline, 0 not saved$/);
    await press("Next");
    await seen("measure 1: C5");
    await press("Next");
    await press("G");
    await seen(/^Offline, [1-9] not saved$/);
    expect(await music()).not.toContain("<step>G</step>");
    await network.begin();
    // It comes back by itself too, now and then.
    const again = screen.queryByLabelText("Try again");
    if (again) await fireEvent.press(again);
    await seen("Saved");
    await waitFor(async () => expect(await music()).toContain("<step>G</step>"), WAITING);
    // A token is nowhere on the device.
    expect(JSON.stringify([...kept])).not.toContain(token);
    await screen.unmount();
    await network.end();
  },
  60_000,
);

/** Where the first head is drawn on the screen: in the middle of its column. */
function firstHead(): { x: number; y: number } {
  const [head] = screen.container.queryAll((node) => node.type === "RNSVGEllipse");
  const matrix: readonly number[] = head?.parent?.props["matrix"] ?? [];
  const [x, y] = matrix.slice(4);
  return { x: Number(x) * 0.85, y: Number(y) * 0.85 };
}

withServer("who may not come in is told so", async () => {
  await connected(deviceOf(new Map()), "");
  await seen(/^That did not work/);
  await screen.unmount();
});

withServer("a device that is full shows the list all the same", async () => {
  const library = openLibrary(server, { token: giveToken });
  await library.create(`${room}-full`, { title: "Full air", template: "solo", measures: 1 });
  const setItem = jest.fn(() => Promise.reject(new Error("full")));
  await connected({ ...deviceOf(new Map()), setItem }, token);
  await waitFor(() => screen.getByLabelText("Full air"), WAITING);
  await waitFor(() => expect(setItem).toHaveBeenCalledTimes(2)); // settings, list
  expect(screen.queryByText(/^That did not work/)).toBeNull();
  expect(screen.queryByLabelText("Full air")).not.toBeNull();
  await screen.unmount();
});

withServer("the example writes", async () => {
  const library = openLibrary(server, { token: giveToken });
  await library.create(`${room}-example`, { template: "solo", measures: 1 });
  await render(<TuneScreen url={server} room={`${room}-example`} token={async () => token} />);
  await seen("0 notes, saved");
  await fireEvent.press(screen.getByText("Write"));
  await seen("1 notes, saved");
  await screen.unmount();
});

test("what is no address of a server is told, and nothing is asked", async () => {
  await render(<App device={deviceOf(new Map())} language="zh-Hant" />);
  await waitFor(() => screen.getByLabelText("伺服器"));
  for (const address of ["http://collab.example", "collab.example", "https://a b", ""]) {
    await write("伺服器", address);
    await press("連線");
    await seen("這不是伺服器的網址。");
  }
  await screen.unmount();
});
