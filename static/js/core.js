// @ts-check
/**
 * The host of the core: boots Python in this worker and hands it ports, storage, locks and channels.
 *
 * One file as SharedWorker and as dedicated worker. It decides nothing. What it says itself is `alive` (with the name of a Web Lock held
 * for as long as this worker runs), `booting` (bytes, on a first visit), and `ready` with the state `failed` and words when Python
 * cannot be started or has failed: to every tab that is there, and to every tab that comes before this worker ends.
 */

import * as storage from "./storage.js";

/** @typedef {import("pyodide").PyodideInterface} PyodideInterface */
/** @typedef {import("./host").FromHost} FromHost */
/** @typedef {import("./messages").Ready} Ready */

const EXTENSION_MODULES = "/lib/python3.14/site-packages/pycrdt";

/** How much of the image comes between two words about it. */
const TOLD_BYTES = 512 * 1024;

/** How long a core that failed stays to tell why. */
const FAREWELL_MS = 500;

const here = new URL(".", import.meta.url);
const base = new URL("../../", here).href;
const runtime = new URL(__RUNTIME__, base).href;
const release = here.pathname.split("/").at(-2) ?? "";

/** Every port that a tab has given. @type {MessagePort[]} */
const ports = [];
/** What every new tab is told first. @type {(FromHost | Ready)[]} */
const greetings = [];
/** @type {((port: MessagePort) => void) | null} */
let attach = null;

addEventListener("connect", (event) => take(/** @type {MessageEvent} */ (event)));
addEventListener("message", take);

const alive = `core-alive-${release}-${crypto.randomUUID()}`;
navigator.locks.request(alive, () => {
  tell({ type: "alive", lock: alive });
  return new Promise(() => {});
});

const host = {
  release,
  base,
  relays: __RELAYS__,
  shared: "onconnect" in globalThis,
  storage,
  lock,
  channel,
  frame: keepFrame,
  // Asking the browser to keep the storage is for a window, on a press; whether it does, a worker can be told. A browser that has no such
  // promise (WebKitGTK) has not given it.
  persisted: async () => (await navigator.storage?.persisted()) ?? false,
  /** @param {(port: MessagePort) => void} accept is called with each tab's port, those that wait first */
  set attach(accept) {
    attach = accept;
    ports.splice(0).forEach(accept);
  },
};

boot().catch((error) => {
  console.error(error);
  tell({ type: "ready", state: "failed", words: String(error?.message ?? error), release });
  setTimeout(close, FAREWELL_MS);
});

async function boot() {
  // Everything that is needed is under way before anything is waited for.
  const imageUrl = `${runtime}boot.bin`;
  // The service worker makes its caches when it begins to fetch: only the file itself says that it is here.
  const isKept = Boolean(await caches.match(imageUrl));
  const image = bytesOf(imageUrl, isKept ? null : (bytes) => ports.forEach((port) => post(port, { type: "booting", bytes })));
  const interpreter = compileAhead(`${runtime}pyodide.asm.wasm`);
  const files = Object.entries({
    "/lib/site-packages.zip": `${runtime}site-packages.zip`,
    [`${EXTENSION_MODULES}/_pycrdt.abi3.so`]: `${runtime}pycrdt.so`,
    "/lib/app.zip": `${here.href}app.zip`,
  }).map(([path, url]) => /** @type {const} */ ([path, bytesOf(url, null)]));
  const [{ loadPyodide }] = await Promise.all([import(`${runtime}pyodide.mjs`), import(`${runtime}pyodide.asm.mjs`)]);
  const starting = loadPyodide({ indexURL: runtime, _loadSnapshot: image, stdout: console.log, stderr: console.error });
  // An interpreter that does not compile is only a warning to Pyodide.
  const [python] = /** @type {[PyodideInterface, void]} */ (await Promise.all([starting, interpreter]));
  // The image has both archives on its path: nothing is unpacked.
  python.FS.mkdirTree(EXTENSION_MODULES);
  for (const [path, bytes] of files) python.FS.writeFile(path, new Uint8Array(await bytes), { canOwn: true });
  // The image's state of `random` is the same on every device.
  python.runPython("import random; random.seed()");
  // After a fatal error of the interpreter nothing runs any more: ending the worker is what tells the tabs.
  /** @type {any} */ (python)._api.on_fatal = () => close();
  python.pyimport("carryon.precompiled").install();
  await python.pyimport("carryon.core.browser").start(host);
}

/**
 * Compile the interpreter while its image is still being read: Pyodide would begin when it has the image.
 * @param {string} url of the next module that is instantiated from a stream
 */
async function compileAhead(url) {
  const instantiateStreaming = WebAssembly.instantiateStreaming;
  const compiled = WebAssembly.compileStreaming(fetch(url));
  WebAssembly.instantiateStreaming = async (_, imports) => {
    WebAssembly.instantiateStreaming = instantiateStreaming;
    const module = await compiled;
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  await compiled;
}

/**
 * Fetch a file of the release whole.
 * @param {string} url
 * @param {((bytes: number) => void) | null} arrived hears how much there is so far
 */
async function bytesOf(url, arrived) {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url} cannot be fetched: ${response.status} ${response.statusText}`);
  if (!arrived) return response.arrayBuffer();
  let bytes = 0;
  let told = 0;
  const counter = new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes - told >= TOLD_BYTES) arrived((told = bytes));
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter)).arrayBuffer();
}

/** @param {MessageEvent} event brings the port of a tab */
function take({ ports: [port] }) {
  if (!port) return;
  for (const greeting of greetings) post(port, greeting);
  if (attach) attach(port);
  else ports.push(port);
}

/** Tell every tab, now or when it comes. @param {FromHost | Ready} message */
function tell(message) {
  greetings.push(message);
  for (const port of ports) post(port, message);
}

/** @param {MessagePort} port @param {FromHost | Ready} message */
function post(port, message) {
  port.postMessage(message);
}

/**
 * Take a Web Lock and hold it until `release()`; `lost` resolves when somebody has stolen it.
 * @param {string} name
 * @param {LockOptions} options
 * @returns {Promise<{release: () => void, lost: Promise<void>} | null>} null when it is not available at once
 */
function lock(name, options) {
  return new Promise((resolve, reject) => {
    let isHeld = false;
    /** @type {() => void} */
    let lose;
    const lost = new Promise((/** @type {(value: void) => void} */ done) => (lose = done));
    const request = navigator.locks.request(name, options, (held) => {
      if (!held) return resolve(null);
      isHeld = true;
      return new Promise((done) => resolve({ release: () => done(undefined), lost }));
    });
    request.catch((error) => (isHeld ? lose() : reject(error)));
  });
}

/** @param {string} name @param {(message: any) => void} onmessage */
function channel(name, onmessage) {
  const broadcast = new BroadcastChannel(name);
  broadcast.onmessage = ({ data }) => onmessage(data);
  return { post: (/** @type {any} */ message) => broadcast.postMessage(message), close: () => broadcast.close() };
}

/**
 * Keep what the service worker paints into the page before any script has run. Where it cannot be kept, as on a full disk, no older
 * one stands in its place: a start from there shows nothing before its core. Never rejects: nothing else hangs on it.
 * @param {{query: string, place: string, pane: string, title: string, regions: Record<string, string>}} frame
 */
async function keepFrame(frame) {
  const frames = () => caches.open("frames");
  try {
    await (await frames()).put(`${base}frame`, new Response(JSON.stringify({ ...frame, release })));
  } catch (error) {
    console.warn(`the first frame is not kept: ${error}`);
    await frames().then((cache) => cache.delete(`${base}frame`)).catch(() => false);
  }
}
