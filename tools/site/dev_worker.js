// The service worker of development: keeps nothing, so that a reload shows what was built last, and takes the place of one
// that does.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => {
  const forget = async () => Promise.all((await caches.keys()).filter((name) => /^(app|rt)-/.test(name)).map((name) => caches.delete(name)));
  event.waitUntil(Promise.all([clients.claim(), forget()]));
});
