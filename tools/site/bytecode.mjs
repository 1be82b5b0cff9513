// Compiles modules to byte code with the browser's own Python. Called as `node bytecode.mjs ORDER`, a JSON file:
// {"runtime": folder of the runtime, "modules": [{"source": file, "name": path in tracebacks, "target": file}, …]}
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { start, stopOnFault } from "../runtime/start.mjs";

stopOnFault();
const { runtime, modules } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const python = await start(runtime);
const here = dirname(fileURLToPath(import.meta.url));
python.FS.writeFile("/bytecode.py", readFileSync(join(here, "..", "runtime", "bytecode.py")));
const compile = python.runPython("import sys; sys.path.insert(0, '/'); import bytecode; bytecode.byte_code");
for (const { source, name, target } of modules) {
  const code = compile(python.toPy(new Uint8Array(readFileSync(source))), name);
  writeFileSync(target, code.toJs());
  code.destroy();
}
