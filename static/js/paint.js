// @ts-check
/**
 * When a person sees something: on a first visit everything else waits for it.
 *
 * What was measured: the core, the service worker and the editor together keep every processor busy for seconds, and a page that had
 * not been painted by then was painted when they were done.
 */

/** A page of which nothing is known to be painted starts after this time all the same. */
const PAINT_MS_MAX = 5_000;

/** Wait until the page was painted with something on it; one that nobody can see is not waited for. */
export function painted() {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      if (document.visibilityState !== "visible") return resolve();
      document.addEventListener("visibilitychange", () => resolve(), { once: true });
      setTimeout(resolve, PAINT_MS_MAX);
      if (!PerformanceObserver.supportedEntryTypes.includes("paint")) {
        return requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
      }
      const observer = new PerformanceObserver((list) => {
        if (!list.getEntriesByName("first-contentful-paint").length) return;
        observer.disconnect();
        resolve();
      });
      observer.observe({ type: "paint", buffered: true });
    })
  );
}
