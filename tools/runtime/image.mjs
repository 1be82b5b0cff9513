// Makes the parts of the runtime that only Pyodide itself can make: the tree of installed packages and the boot image.
//
// 1. Called as `node image.mjs FOLDER`: FOLDER holds Pyodide's own files and `wheels/`, and receives
//    `site-packages.zip`, `pycrdt.so`, `pyodide-lock.json` and `boot.bin`.
// 2. Two interpreters, one after the other: micropip in the first installs and packs the packages, and none of what
//    it imported is in the second, whose memory becomes the boot image.
// 3. The lock that both start from names no package, so that nothing can come from anywhere but `wheels/`.
// 4. The same inputs give the same bytes: clocks stand still, randomness is fixed, and so is the order of everything. What
//    was drawn here is public with the image: whoever starts from it seeds `random` again (`secrets` and `os.urandom`
//    ask the browser each time).
import node_crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stopOnFault } from "./start.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
const source = (name) => readFileSync(join(here, name), "utf8");
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
const { info } = JSON.parse(readFileSync(join(folder, "distribution-lock.json"), "utf8"));

const options = {
  indexURL: folder,
  lockFileContents: { info, packages: {} },
  packageBaseUrl: folder,
  env: { HOME: "/home/carryon", PYTHONHASHSEED: "0" },
};

stopOnFault();
const CLOCK_MS = Date.UTC(2020, 0, 1);
Date.now = () => CLOCK_MS;
performance.now = () => 0;
node_crypto.randomFillSync = (array) => array.fill(7);

const installer = await loadPyodide(options);
installer.FS.mkdirTree("/wheels");
installer.FS.mkdirTree("/tools");
installer.FS.mount(installer.FS.filesystems.NODEFS, { root: join(folder, "wheels") }, "/wheels");
for (const name of ["bytecode.py", "install.py"]) installer.FS.writeFile(`/tools/${name}`, source(name));
const lock = await installer.runPythonAsync("import sys; sys.path.insert(0, '/tools'); import install; await install.install()");
const archive = installer.FS.readFile("/site-packages.zip");
writeFileSync(join(folder, "pyodide-lock.json"), lock);
writeFileSync(join(folder, "site-packages.zip"), archive);
writeFileSync(join(folder, "pycrdt.so"), installer.FS.readFile("/lib/python3.14/site-packages/pycrdt/_pycrdt.abi3.so"));

const sleeper = await loadPyodide({ ...options, lockFileContents: JSON.parse(lock), _makeSnapshot: true });
const memory_bytes = sleeper._module.HEAP8.length;
// By JavaScript alone: what went through Python's memory would be in the image.
sleeper.FS.writeFile("/lib/site-packages.zip", archive);
sleeper.FS.writeFile("/tmp/warm.py", source("warm.py"));
sleeper.runPython("import sys; sys.path.insert(0, '/tmp'); import warm; del sys.path[0]; warm.warm")(source("warm.txt"));
sleeper.runPython("import gc; del sys.modules['warm'], warm; gc.collect()");
if (sleeper._module.HEAP8.length !== memory_bytes) {
  // Pyodide starts with this much memory and cannot take over an image that is larger.
  throw new Error(`the boot image needs more than the ${memory_bytes} bytes Pyodide starts with: import less in warm.py`);
}
writeFileSync(join(folder, "boot.bin"), sleeper.makeMemorySnapshot());
