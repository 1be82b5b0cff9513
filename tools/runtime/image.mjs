// Makes the parts of the runtime that only Pyodide itself can make: the tree of installed packages and the boot image.
//
// 1. Called as `node image.mjs FOLDER`: FOLDER holds Pyodide's own files and `wheels/`, and receives
//    `site-packages.zip`, `pycrdt.so`, `pyodide-lock.json` and `boot.bin`.
// 2. Two interpreters, one after the other: micropip in the first installs and packs the packages, and none of what
//    it imported is in the second, whose memory becomes the boot image.
// 3. The lock that both start from names no package, so that nothing can come from anywhere but `wheels/`.
// 4. The same inputs give the same bytes: clocks stand still, in no zone of this machine, randomness is fixed, so is the order of
//    everything, and Python does not learn where this file lies. What was drawn here is public with the image: whoever starts from it
//    seeds `random` again (`secrets` and `os.urandom` ask the browser each time).
import node_crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TOOLS, importTool, stopOnFault } from "./start.mjs";

// What is left of the arguments would be the name of Python's program, and in the image.
const [, folder] = process.argv.splice(1);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
const { info } = JSON.parse(readFileSync(join(folder, "distribution-lock.json"), "utf8"));

const options = {
  indexURL: folder,
  lockFileContents: { info, packages: {} },
  packageBaseUrl: folder,
  env: { HOME: "/home/carryon", PYTHONHASHSEED: "0", PYTHONNODEBUGRANGES: "1" },
};

stopOnFault();
process.env.TZ = "UTC";
const CLOCK_MS = Date.UTC(2020, 0, 1);
Date.now = () => CLOCK_MS;
performance.now = () => 0;
node_crypto.randomFillSync = (array) => array.fill(7);

const installer = await loadPyodide(options);
installer.FS.mkdirTree("/wheels");
installer.FS.mount(installer.FS.filesystems.NODEFS, { root: join(folder, "wheels") }, "/wheels");
importTool(installer, "tools.runtime.bytecode");
const lock = await importTool(installer, "tools.runtime.install").install();
const archive = installer.FS.readFile("/site-packages.zip");
writeFileSync(join(folder, "pyodide-lock.json"), lock);
writeFileSync(join(folder, "site-packages.zip"), archive);
writeFileSync(join(folder, "pycrdt.so"), installer.FS.readFile("/lib/python3.14/site-packages/pycrdt/_pycrdt.abi3.so"));

const sleeper = await loadPyodide({ ...options, lockFileContents: JSON.parse(lock), _makeSnapshot: true });
const memory_bytes = sleeper._module.HEAP8.length;
// By JavaScript alone: what went through Python's memory would be in the image.
sleeper.FS.writeFile("/lib/site-packages.zip", archive);
const names = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "warm.txt"), "utf8");
importTool(sleeper, "tools.runtime.warm").warm(names, TOOLS);
if (sleeper._module.HEAP8.length !== memory_bytes) {
  // Pyodide starts with this much memory and cannot take over an image that is larger.
  throw new Error(`the boot image needs more than the ${memory_bytes} bytes Pyodide starts with: import less in warm.txt`);
}
writeFileSync(join(folder, "boot.bin"), sleeper.makeMemorySnapshot());
