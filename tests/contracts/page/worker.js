// @ts-check
/** The worker that runs the contracts: Pyodide, our sources, and the storage calls under test. */

import { loadPyodide } from "/pyodide/pyodide.mjs";
import * as storage from "/storage.js";

const ready = boot();

/** @param {number} said */
const say = (said) => self.postMessage({ said });

self.onmessage = async ({ data: { number, name, args } }) => {
  try {
    const calls = await ready;
    const answer = await calls[name](storage, ...(name === "write_on" ? [say] : args));
    self.postMessage({ number, answer });
  } catch (error) {
    self.postMessage({ number, error: String(error) });
  }
};

async function boot() {
  const pyodide = await loadPyodide({ indexURL: "/pyodide/" });
  const sources = await (await fetch("/sources.zip")).arrayBuffer();
  pyodide.unpackArchive(sources, "zip", { extractDir: "/sources" });
  await pyodide.runPythonAsync("import sys; sys.path.insert(0, '/sources')");
  return pyodide.pyimport("tests.contracts.in_browser");
}
