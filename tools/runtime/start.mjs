// Starts a runtime in Node as the core starts it in a browser, for the build and for tests.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const EXTENSION_MODULES = "/lib/python3.14/site-packages/pycrdt";

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

/** Says the words of a fault and ends: Node would print the line it happened in, and Pyodide's is a megabyte long. */
export function stopOnFault() {
  process.on("uncaughtException", (fault) => {
    console.error(String(fault.stack ?? fault).slice(0, 4000));
    process.exit(1);
  });
}
