// Writes the code of what the app's dataclasses generate, for `carryon.precompiled`: `node precompiled.mjs RUNTIME APP.ZIP TARGET`.
import { writeFileSync } from "node:fs";
import { importTool, start, stopOnFault } from "../runtime/start.mjs";

stopOnFault();
const [runtime, app, target] = process.argv.slice(2);
const python = await start(runtime, app);
const table = importTool(python, "tools.site.precompiled").precompiled();
writeFileSync(target, table.toJs());
