// node pyodide.mjs <the runtime's folder> <zip of the sources>: the pycrdt side in Pyodide; one JSON list of requests a line.
import { createInterface } from "node:readline";
import { start, stopOnFault } from "../../../tools/runtime/start.mjs";

stopOnFault();
const [runtime, sources] = process.argv.slice(2);
const python = await start(runtime, sources);
const answer = python.pyimport("pycrdt_engine").answer;

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${answer(line)}\n`);
}
