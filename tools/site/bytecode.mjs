// Compiles modules to byte code with the browser's own Python. Called as `node bytecode.mjs ORDER`, a JSON file:
// {"runtime": folder of the runtime, "modules": [{"source": file, "name": path in tracebacks, "target": file}, …]}
import { readFileSync, writeFileSync } from "node:fs";
import { importTool, start, stopOnFault } from "../runtime/start.mjs";

stopOnFault();
const { runtime, modules } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const python = await start(runtime);
const { byte_code } = importTool(python, "tools.runtime.bytecode");
for (const { source, name, target } of modules) {
  const code = byte_code(python.toPy(new Uint8Array(readFileSync(source))), name);
  writeFileSync(target, code.toJs());
  code.destroy();
}
