// What the editor uses of Verovio, which has no types of its own for these entries.
declare module "verovio/wasm" {
  interface Module {
    readonly HEAPU8: Uint8Array;
    _vrvToolkit_constructor: () => number;
  }
  /** To the module of the package itself nothing is given: see `scripts/verovio.mjs`. */
  export type CreateModule = (given?: {
    readonly wasm: Promise<WebAssembly.Module>;
    readonly restore: (memory: Uint8Array) => void;
    readonly files: number;
  }) => Promise<Module>;
  const createModule: CreateModule;
  export default createModule;
}
declare module "verovio/esm" {
  export function enableLog(level: number, module: unknown): void;
  export class VerovioToolkit {
    constructor(module: unknown);
    setOptions(options: Readonly<Record<string, unknown>>): void;
    loadData(data: string): boolean | number;
    getPageCount(): number;
    renderToSVG(page: number): string;
    getMIDIValuesForElement(id: string): { time: number; pitch: number; duration: number };
    renderToTimemap(): unknown;
  }
}
