// @ts-check
/// <reference lib="webworker" />
/**
 * The service worker: keeps one release whole, and paints the last frame before any script has run.
 *
 * 1. `__RELEASE__`, written by the build, names every file with its hash. Installing fetches each with its integrity into `app-<release>`
 *    or `rt-<runtime>`; if one fails the release does not install. What was fetched by then is right, and is not fetched again.
 * 2. The page is answered with *this* release's index.html, headers and all. That names only files of `v/<release>/`, so
 *    whatever a page gets is of one release.
 * 3. Files in hash folders are found in any cache: a tab of an older release still finds its own. Files at the root are this release's.
 *    Everything else (`/sync`, `/healthz`, unknown paths) goes to the network untouched.
 * 4. It takes over only when told to. It sweeps what no release in use needs: not while another release is being installed or waits, and
 *    not while a page is open that has not said its release yet (by a Web Lock named `<base>v/<release>`).
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const { release, runtime, shell, app, files } = __RELEASE__;
const scope = worker.registration.scope;
const APP = `app-${release}`;
const RUNTIME = `rt-${runtime}`;
const SWEEPS_MAX = 10;
const SWEEP_MS = 1_000;

worker.addEventListener("install", (event) => event.waitUntil(install()));

worker.addEventListener("activate", (event) => event.waitUntil(Promise.all([worker.clients.claim(), sweep()])));

worker.addEventListener("message", (event) => {
  if (event.data?.type === "take over") event.waitUntil(worker.skipWaiting());
  if (event.data?.type === "sweep") event.waitUntil(sweepSoon());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  const address = origin + pathname;
  if (request.method !== "GET" || !address.startsWith(scope)) return;
  const path = address.slice(scope.length);
  if (path === "" || path === "index.html") event.respondWith(page(request, search));
  else if (path in shell) event.respondWith(kept(request, caches.open(APP)));
  else if (/^[vr]\//.test(path)) event.respondWith(kept(request, caches));
});

async function install() {
  const caching = [fill(APP, shell, "no-cache"), fill(APP, app, "default"), fill(RUNTIME, files, "default")];
  const failed = (await Promise.all(caching)).flat();
  if (failed.length) throw new Error(`release ${release} is not whole: ${failed.join("; ")}`);
}

/**
 * Fetch what is not there yet.
 * @param {string} name
 * @param {Record<string, string>} integrities by path
 * @param {RequestCache} mode
 * @returns {Promise<string[]>} what failed
 */
async function fill(name, integrities, mode) {
  const cache = await caches.open(name);
  const fetched = Object.entries(integrities).map(async ([path, integrity]) => {
    const url = new URL(path, scope).href;
    if (mode === "default" && (await cache.match(url))) return;
    const response = await fetch(url, { integrity, cache: mode });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await cache.put(url, response);
  });
  return (await Promise.allSettled(fetched)).flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
}

/** @param {Request} request @param {Promise<Cache> | CacheStorage} where */
async function kept(request, where) {
  return (await (await where).match(request, { ignoreSearch: true, ignoreVary: true })) ?? fetch(request);
}

/**
 * This release's page, with the last frame in it when there is one for this address.
 * @param {Request} request
 * @param {string} query
 */
async function page(request, query) {
  const [cache, frames] = await Promise.all([caches.open(APP), caches.open("frames")]);
  const [index, kept] = await Promise.all([cache.match(new URL("index.html", scope).href, { ignoreVary: true }), frames.match(`${scope}frame`)]);
  if (!index) return fetch(request);
  const headers = new Headers(index.headers);
  // The body is another one now, and not compressed.
  for (const name of ["content-length", "content-encoding"]) headers.delete(name);
  return new Response(compose(await index.text(), await kept?.json(), query), { headers });
}

/**
 * Put a frame into the page: the open note only at its own address, the rest at every address with the same list.
 * @param {string} page
 * @param {{release: string, query: string, pane: string, place: string, title: string, regions: Record<string, string>} | undefined} frame
 * @param {string} query
 */
function compose(page, frame, query) {
  // Nothing is to be fetched: the words of a first visit would be wrong.
  const html = page.replace("data-booting", "data-booting hidden");
  if (frame?.release !== release || listOf(frame.query) !== listOf(query)) return html;
  const isSame = new URLSearchParams(frame.query).get("note") === new URLSearchParams(query).get("note");
  const { note, ...others } = frame.regions;
  const regions = isSame && note !== undefined ? { ...others, note } : others;
  // A function, because a "$" in a note would mean something in a replacement text.
  const composed = html.replace(/<!--(\w+)-->[^]*?<!--\/\1-->/g, (whole, name) => regions[name] ?? whole);
  return isSame ? composed.replace('data-pane="list"', () => `data-pane="${frame.pane}"`) : composed;
}

/** @param {string} query */
function listOf(query) {
  const parameters = new URLSearchParams(query);
  parameters.delete("note");
  return parameters.toString();
}

/** The tabs of an older release, and its core, take a moment to be gone. */
async function sweepSoon() {
  for (let turn = 0; turn < SWEEPS_MAX && !(await sweep()); turn += 1) await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
}

/** @returns {Promise<boolean>} whether this worker has nothing left to sweep */
async function sweep() {
  const names = (await caches.keys()).filter((name) => /^(app|rt)-/.test(name) && name !== APP && name !== RUNTIME);
  const [{ held = [] }, clients] = await Promise.all([navigator.locks.query(), worker.clients.matchAll({ type: "all", includeUncontrolled: true })]);
  // What comes next sweeps when it is active; and it becomes active only when this worker has nothing more to do.
  if (worker.registration.installing || worker.registration.waiting) return true;
  const said = held.flatMap(({ name }) => (name?.startsWith(`${scope}v/`) ? [name] : []));
  const pages = clients.filter(({ type, url }) => type === "window" && url.startsWith(scope));
  const used = [...said, ...clients.map(({ url }) => url)].join(" ");
  if (pages.length > said.length || names.some((name) => name.startsWith("app-") && used.includes(name.slice(4)))) return false;
  for (const name of names) await forget(name);
  return true;
}

/** Another site may lie beside this one on the same origin: only what is below this one's base goes. @param {string} name */
async function forget(name) {
  const cache = await caches.open(name);
  const requests = await cache.keys();
  const own = requests.filter(({ url }) => url.startsWith(scope));
  await Promise.all(own.map((request) => cache.delete(request)));
  if (own.length === requests.length) await caches.delete(name);
}
