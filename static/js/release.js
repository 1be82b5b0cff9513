// @ts-check
/**
 * This release and the next one: the service worker of the site, seen from a tab.
 *
 * 1. A shared Web Lock named `<base>v/<release>` says that this release is in use; the service worker sweeps only what nobody holds.
 * 2. A new release that is installed waits until the person, by the core, lets it in; then every tab is told by `controllerchange`.
 * 3. The first service worker ever to control the page replaces nothing.
 */

import { base, release, serviceWorkerUrl } from "./site.js";

// Tabs of an installed app stay open for weeks; the browser itself looks for a new release only when one is opened.
const LOOK_AGAIN_MS = 60 * 60 * 1_000;

/** @type {ServiceWorkerRegistration | undefined} */
let registration;

/** Hold on to this release's files for as long as this page lives. */
export function holdRelease() {
  navigator.locks.request(`${base}v/${release}`, { mode: "shared" }, () => new Promise(() => {}));
}

/**
 * Register the service worker and follow what becomes of it.
 * @param {() => void} waiting a new release is installed
 * @param {() => void} replaced a new release has taken over
 */
export async function followReleases(waiting, replaced) {
  if (!navigator.serviceWorker) return;
  let controlled = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (controlled) replaced();
    controlled = true;
  });
  registration = await navigator.serviceWorker.register(serviceWorkerUrl, { scope: base, updateViaCache: "none" });
  if (registration.waiting) waiting();
  registration.addEventListener("updatefound", () => follow(registration?.installing ?? null, waiting));
  follow(registration.installing ?? registration.active, waiting);
  lookAgain(registration);
}

/** Let the release in that waits. */
export function takeOver() {
  registration?.waiting?.postMessage({ type: "take over" });
}

/** Tell the service worker that this release's core runs: what no release in use needs may go. */
export function sweep() {
  navigator.serviceWorker?.controller?.postMessage({ type: "sweep" });
}

/** @param {ServiceWorker | null} worker @param {() => void} waiting */
function follow(worker, waiting) {
  if (!worker) return;
  const look = () => {
    if (worker.state === "installed" && registration?.active) waiting();
    if (worker.state === "activated") document.documentElement.dataset.offline = "ready";
  };
  worker.addEventListener("statechange", look);
  look();
}

/** @param {ServiceWorkerRegistration} registration */
function lookAgain(registration) {
  let looked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || Date.now() - looked < LOOK_AGAIN_MS) return;
    looked = Date.now();
    // Without a network there is nothing new to be found.
    registration.update().catch(() => {});
  });
}
