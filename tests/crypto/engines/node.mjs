// node node.mjs <Pyodide's folder> <zip of the sources>: prints the verdicts, or what went wrong.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { rules } from "./rules.mjs";

const [folder, sources] = process.argv.slice(2);
try {
  const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
  console.log(await rules(await loadPyodide(), new Uint8Array(await readFile(sources))));
} catch (error) {
  console.log(JSON.stringify({ "the engine": String(error) }));
}
