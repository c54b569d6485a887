// Takes apart what the package of Verovio has in one script, so that a page has it sooner.
//
// Its WebAssembly, which is text within the script, becomes a file of its own, as it is: a browser
// compiles it while it comes, and keeps what it compiled. What it does whenever it starts, reading
// its fonts above all, leaves the same in its memory each time. That is done here, and what is then
// in memory becomes another file. The files that are embedded in it are made when they are opened.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const MODULE = fileURLToPath(import.meta.resolve("verovio/wasm"));
const LOG_OFF = 0;
/** What is written down of the memory, at least, in bytes. */
const BLOCK = 1024;

const EMBEDDED = /function findWasmBinary\(\)\{return binaryDecode\(('(?:[^'\\]|\\[\s\S])*')\)\}/;
const FILES =
  /var __emscripten_fs_load_embedded_files=ptr=>\{do\{(.*?)var name=UTF8ToString\(name_addr\);.*?\}while\(HEAPU32\[ptr>>2\]\)\};/;
const PATCHES = [
  [EMBEDDED, ""],
  [
    "wasmBinaryFile??=findWasmBinary();var result=await instantiateAsync(wasmBinary,wasmBinaryFile,info);",
    "var result={instance:await WebAssembly.instantiate(await moduleArg.wasm,info)};",
  ],
  [
    'wasmExports["w"]();',
    'if(moduleArg.restore)moduleArg.restore(HEAPU8);else{moduleArg.before?.(HEAPU8);wasmExports["w"]()}',
  ],
  [
    FILES,
    'var embedded;var embed=path=>{if(!embedded){embedded=new Map;var ptr=moduleArg.files;do{$1embedded.set(UTF8ToString(name_addr),[content,len])}while(HEAPU32[ptr>>2])}var found=embedded.get(path);if(found){embedded.delete(path);FS.createPath("/",PATH.dirname(path),true,true);FS.createDataFile(path,null,HEAP8.subarray(found[0],found[0]+found[1]),true,true,true)}};var __emscripten_fs_load_embedded_files=ptr=>{moduleArg.files=ptr};',
  ],
  [
    "path=SYSCALLS.calculateAt(dirfd,path);var mode=varargs",
    "path=SYSCALLS.calculateAt(dirfd,path);embed(path);var mode=varargs",
  ],
];

/**
 * The script without its WebAssembly, and that.
 *
 * Its default export takes `wasm`, a promise of the compiled module; `restore`, which writes what
 * was in memory after a start and stands in for that, and then `files`, the address of the table of
 * embedded files; without `restore`, `before` is called with the memory before the start.
 */
export async function apart() {
  const source = await readFile(MODULE, "utf8");
  let script = source;
  for (const [from, to] of PATCHES) {
    const there = typeof from === "string" ? script.includes(from) : from.test(script);
    if (!there) throw new Error(`This version of Verovio lacks ${from}: see scripts/verovio.mjs`);
    // A function where nothing in it may be taken for a pattern.
    script = script.replace(from, typeof from === "string" ? () => to : to);
  }
  const [, literal] = EMBEDDED.exec(source);
  // Each character is a byte. The text is of a package that is installed under a lock.
  const wasm = Buffer.from(new Function(`return ${literal}`)(), "latin1");
  if (!WebAssembly.validate(wasm)) throw new Error("What was taken for WebAssembly is none.");
  return { script, wasm };
}

/**
 * What is in memory once a toolkit has been made: blocks that a start changes, each with its place
 * before it.
 *
 * @param createModule the default export of the script of `apart`.
 */
export async function started(createModule, wasm) {
  const { enableLog, VerovioToolkit } = await import("verovio/esm");
  let before;
  const given = {
    wasm: WebAssembly.compile(wasm),
    before: (memory) => {
      before = memory.slice();
    },
  };
  const module = await createModule(given);
  // It warns of whatever a document says, and of rows that are pressed: nobody reads that.
  enableLog(LOG_OFF, module);
  const toolkit = new VerovioToolkit(module).ptr;
  const blocks = changed(before, module.HEAPU8);
  return { memory: Buffer.concat(blocks), toolkit, files: given.files };
}

/** Runs of blocks that differ: place and length in bytes (32 bits each, little endian), content. */
function changed(before, after) {
  if (before.length !== after.length) throw new Error("Verovio's memory grows with its start.");
  const runs = [];
  for (let at = 0; at < after.length; at += BLOCK) {
    const [old, now] = [before, after].map((memory) =>
      Buffer.from(memory.buffer, memory.byteOffset + at, BLOCK),
    );
    if (old.equals(now)) continue;
    const last = runs.at(-1);
    if (last?.end === at) last.end += BLOCK;
    else runs.push({ start: at, end: at + BLOCK });
  }
  return runs.flatMap(({ start, end }) => [
    Buffer.from(Uint32Array.of(start, end - start).buffer),
    after.slice(start, end),
  ]);
}
