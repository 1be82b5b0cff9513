// Prints the modules that importing the app's core adds to a started runtime, the app's own and pycrdt's left out.
import { start, stopOnFault } from "../../tools/runtime/start.mjs";

stopOnFault();
const python = await start(process.argv[2], process.argv[3]);
console.log(
  python.runPython(`
    import json, sys
    before = set(sys.modules)
    import carryon.core.browser
    ours = ("carryon", "carryon_sync", "pycrdt", "js", "_jinja2_module")
    json.dumps(sorted(name for name in set(sys.modules) - before if not name.startswith(ours)))
  `),
);
