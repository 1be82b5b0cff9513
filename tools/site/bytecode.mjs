// Compiles modules to byte code with the browser's own Python. Called as `node bytecode.mjs ORDER`, a JSON file:
// {"runtime": folder of the runtime, "modules": [{"source": file, "name": path in tracebacks, "target": file}, …]}
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

process.on("uncaughtException", (fault) => {
  console.error(String(fault.stack ?? fault).slice(0, 4000));
  process.exit(1);
});

const { runtime, modules } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")).href);
const python = await loadPyodide({
  indexURL: runtime,
  lockFileContents: JSON.parse(readFileSync(join(runtime, "pyodide-lock.json"), "utf8")),
  packageBaseUrl: runtime,
  _loadSnapshot: new Uint8Array(readFileSync(join(runtime, "boot.bin"))),
});
const here = dirname(fileURLToPath(import.meta.url));
python.FS.writeFile("/bytecode.py", readFileSync(join(here, "..", "runtime", "bytecode.py")));
const compile = python.runPython("import sys; sys.path.insert(0, '/'); import bytecode; bytecode.byte_code");
for (const { source, name, target } of modules) {
  const code = compile(python.toPy(new Uint8Array(readFileSync(source))), name);
  writeFileSync(target, code.toJs());
  code.destroy();
}
