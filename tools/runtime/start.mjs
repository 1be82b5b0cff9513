// Starts a runtime in Node as the core starts it in a browser, for the build and for tests.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const EXTENSION_MODULES = "/lib/python3.14/site-packages/pycrdt";
// Where modules of this repository lie in a Python of the build.
export const TOOLS = "/tools";

/** Starts the Python of a runtime's folder: with its packages, and with the app where an archive of it is given. */
export async function start(runtime, app = null) {
  const bytes = (path) => new Uint8Array(readFileSync(path));
  const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")).href);
  const python = await loadPyodide({
    indexURL: runtime,
    packageBaseUrl: runtime,
    lockFileContents: JSON.parse(readFileSync(join(runtime, "pyodide-lock.json"), "utf8")),
    _loadSnapshot: bytes(join(runtime, "boot.bin")),
  });
  python.FS.mkdirTree(EXTENSION_MODULES);
  python.FS.writeFile("/lib/site-packages.zip", bytes(join(runtime, "site-packages.zip")));
  python.FS.writeFile(`${EXTENSION_MODULES}/_pycrdt.abi3.so`, bytes(join(runtime, "pycrdt.so")));
  if (app) python.FS.writeFile("/lib/app.zip", bytes(app));
  python.runPython("import random; random.seed()");
  return python;
}

/** Imports a module of this repository in a Python, by its name: it may import nothing that is not imported so before it. */
export function importTool(python, name) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  const path = `${name.replaceAll(".", "/")}.py`;
  python.FS.mkdirTree(`${TOOLS}/${dirname(path)}`);
  python.FS.writeFile(`${TOOLS}/${path}`, readFileSync(join(root, path)));
  python.runPython(`import sys; sys.path[:] = ["${TOOLS}", *(path for path in sys.path if path != "${TOOLS}")]`);
  python.runPython("import importlib; importlib.invalidate_caches()");
  return python.pyimport(name);
}

/** Says the words of a fault and ends: Node would print the line it happened in, and Pyodide's is a megabyte long. */
export function stopOnFault() {
  process.on("uncaughtException", (fault) => {
    console.error(String(fault.stack ?? fault).slice(0, 4000));
    process.exit(1);
  });
}
