export const MODULE: string;
export function apart(): Promise<{
  readonly script: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
}>;
export function started(
  createModule: unknown,
  wasm: Uint8Array<ArrayBuffer>,
): Promise<{
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly toolkit: number;
  readonly files: number;
}>;
