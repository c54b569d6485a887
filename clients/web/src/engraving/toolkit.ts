import { VerovioToolkit } from "verovio/esm";
import type { CreateModule } from "verovio/wasm";

/** Where things are in Verovio's memory. */
export interface Addresses {
  readonly toolkit: number;
  /** The table of the files that are embedded in it. */
  readonly files: number;
}

const HEAD_BYTES = 8;

/**
 * A toolkit as it is after its start, without that: what the start leaves in memory is given. See
 * `scripts/verovio.mjs`, which makes that.
 */
export async function restored(
  createModule: CreateModule,
  wasm: Promise<WebAssembly.Module>,
  memory: ArrayBuffer,
  { toolkit, files }: Addresses,
): Promise<VerovioToolkit> {
  const restore = (into: Uint8Array): void => {
    const places = new DataView(memory);
    for (let at = 0; at < memory.byteLength; ) {
      const [place, length] = [places.getUint32(at, true), places.getUint32(at + 4, true)];
      into.set(new Uint8Array(memory, at + HEAD_BYTES, length), place);
      at += HEAD_BYTES + length;
    }
  };
  const module = await createModule({ wasm, restore, files });
  module._vrvToolkit_constructor = () => toolkit;
  return new VerovioToolkit(module);
}
