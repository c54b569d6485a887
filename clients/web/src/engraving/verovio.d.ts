// What the editor uses of Verovio, which has no types of its own for these entries.
declare module "verovio/wasm" {
  export default function createVerovioModule(): Promise<unknown>;
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
