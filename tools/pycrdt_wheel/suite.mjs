// Runs pycrdt's own tests in Pyodide. Called as `node suite.mjs ORDER`, a JSON file:
// {"runtime": folder of the runtime, "wheels": folder of what the tests need, "source": pycrdt's source folder, "arguments": pytest's}
// The last line printed is {"outcomes": {test: outcome}}.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { start, stopOnFault } from "../runtime/start.mjs";

stopOnFault();
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const python = await start(order.runtime);
for (const name of readdirSync(order.wheels)) python.unpackArchive(new Uint8Array(readFileSync(join(order.wheels, name))), "wheel");
python.FS.mkdirTree("/source");
python.FS.mount(python.FS.filesystems.NODEFS, { root: order.source }, "/source");
const here = dirname(fileURLToPath(import.meta.url));
python.FS.writeFile("/run_suite.py", readFileSync(join(here, "run_suite.py")));
const run = python.runPython("import sys; sys.path.insert(0, '/'); import run_suite; run_suite.run");
console.log(JSON.stringify({ outcomes: JSON.parse(run(python.toPy(order.arguments))) }));
