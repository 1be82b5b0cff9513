// Runs pycrdt's own tests in Pyodide. Called as `node suite.mjs ORDER`, a JSON file:
// {"runtime": folder of the runtime, "wheels": folder of what the tests need, "source": pycrdt's source folder, "not_run": names of tests}
// The last line printed is {"outcomes": {test: outcome}}.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { importTool, start, stopOnFault } from "../runtime/start.mjs";

const SITE_PACKAGES = "/lib/python3.14/site-packages";

stopOnFault();
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const python = await start(order.runtime);
for (const name of readdirSync(order.wheels)) {
  python.unpackArchive(new Uint8Array(readFileSync(join(order.wheels, name))), "wheel", { extractDir: SITE_PACKAGES });
}
python.FS.mkdirTree("/source");
python.FS.mount(python.FS.filesystems.NODEFS, { root: order.source }, "/source");
const { run } = importTool(python, "tools.pycrdt_wheel.run_suite");
console.log(JSON.stringify({ outcomes: JSON.parse(run(python.toPy(order.not_run))) }));
