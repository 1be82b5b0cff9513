// Bundles what the browser runs as JavaScript and CSS, with esbuild, and prints the names of the npm packages in it.
// Called as `node bundle.mjs ORDER`, a JSON file:
// {"what": "app", "source": static/, "target": folder, "runtime": "r/<hash>/", "relays": ["wss://…"]}
//                                                                             tab.js, editor.js, core.js, app.css
// {"what": "worker", "source": static/, "target": folder, "release": {…}}        sw.js, with the table of its release
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const common = {
  bundle: true,
  minify: true,
  metafile: true,
  logLevel: "warning",
  legalComments: "none",
  charset: "utf8",
  target: ["chrome120", "firefox121", "safari17"],
  outdir: order.target,
};

const script = (name) => join(order.source, "js", `${name}.js`);
const bundled = { app, worker }[order.what]();
console.log(JSON.stringify(packagesOf((await Promise.all(bundled)).flatMap(({ metafile }) => Object.keys(metafile.inputs)))));

function app() {
  const define = { __RUNTIME__: JSON.stringify(order.runtime), __RELAYS__: JSON.stringify(order.relays) };
  return [
    build({ ...common, define, format: "esm", splitting: true, chunkNames: "[name]-[hash]", entryPoints: [script("tab"), script("editor")] }),
    // One file: it runs as a SharedWorker or as a dedicated worker, and neither waits for a second one.
    build({ ...common, define, format: "esm", entryPoints: [script("core")] }),
    build({ ...common, entryPoints: [join(order.source, "css", "app.css")] }),
  ];
}

function worker() {
  const define = { __RELEASE__: JSON.stringify(order.release) };
  return [build({ ...common, define, format: "iife", entryPoints: [join(order.source, "sw.js")] })];
}

/** The names of the npm packages that files belong to. */
function packagesOf(files) {
  const names = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}
