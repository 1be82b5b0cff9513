// What the benchmark reads off a page, put into it before any script of its own: moments in milliseconds since 1970, so that those of
// two tabs or two browsers on one machine can be compared. Nothing is changed here.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const marks = { ready: 0, rows: 0, shown: 0, painted: 0, chosen: 0, reported: 0, searched: 0, found: [], saved: [], keys: [], slow: [], frames: [] };
  globalThis.carryonMarks = marks;

  /** Call in the task that follows the next frame. */
  const afterFrame = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = then;
      port2.postMessage(null);
    });

  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) marks.painted = performance.timeOrigin + entry.startTime;
  }).observe({ type: "paint", buffered: true });

  // Event Timing counts in steps of 8 ms, and tells of events of 16 ms and more.
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === "keydown") marks.slow.push(duration);
  }).observe({ type: "event", durationThreshold: 16 });

  addEventListener("keydown", ({ timeStamp }) => {
    const key = { at: performance.timeOrigin + timeStamp, painted: 0 };
    marks.keys.push(key);
    afterFrame(() => (key.painted = now()));
  }, true);

  addEventListener("input", ({ target }) => {
    if (target.type === "search") marks.searched = now();
  }, true);
  addEventListener("change", ({ target }) => {
    if (target.type === "file") marks.chosen = now();
  }, true);

  let unsaved = "0";
  new MutationObserver((records) => {
    const root = document.documentElement;
    if (!marks.ready && root?.dataset.core === "ready") marks.ready = now();
    if (!marks.rows && document.querySelector('[aria-label="Notes"] a')) {
      marks.rows = now();
      afterFrame(() => (marks.shown = now()));
    }
    if (!marks.reported && document.querySelector('[aria-label="Import report"]')) marks.reported = now();
    if (root && root.dataset.unsaved !== unsaved) {
      unsaved = root.dataset.unsaved;
      if (unsaved === "0") marks.saved.push(now());
    }
    const isListed = records.some(({ target }) => target.closest?.('[data-region="list"]') && !target.closest("input, form"));
    if (marks.searched && isListed) {
      marks.found.push(now() - marks.searched);
      marks.searched = 0;
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
})();
