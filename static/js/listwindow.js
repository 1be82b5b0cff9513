// @ts-check
/**
 * The long list as a window: the core renders the rows in view, this keeps the place of the others and says which are in view.
 *
 * The list element carries `data-window` (which listing it is), `data-row-height`, and how many rows are not rendered before and after:
 * `data-before`, `data-after`. Another listing is shown from its first rendered row; the same one stays where it was scrolled to. A list
 * that is hidden has no rows in view: it says nothing, and is as it was when it is shown again.
 */

const ROW_PIXELS = 72;

export class ListWindow {
  #send;
  #listing = "";
  #reported = "";
  #frame = 0;
  #scrolled = 0;
  #wasHidden = false;

  /** @param {(first: number, rows: number) => void} send */
  constructor(send) {
    this.#send = send;
    const soon = () => {
      this.#frame ||= requestAnimationFrame(() => this.#report());
    };
    // Scroll events do not bubble: whichever ancestor of the list scrolls is heard on the way down.
    document.addEventListener("scroll", soon, { capture: true, passive: true });
    addEventListener("resize", soon);
  }

  /** How many rows fit. */
  get rows() {
    return Math.max(1, Math.ceil((list()?.scroller.clientHeight || innerHeight) / (list()?.rowPixels ?? ROW_PIXELS)));
  }

  /** Give the rows that are not rendered their height; to be called after each rendering. */
  lay() {
    const shown = list();
    if (!shown?.scroller.clientHeight) return void (this.#wasHidden = true);
    const { element, scroller, rowPixels } = shown;
    element.style.paddingBlockStart = `${Number(element.dataset.before ?? 0) * rowPixels}px`;
    element.style.paddingBlockEnd = `${Number(element.dataset.after ?? 0) * rowPixels}px`;
    if (element.dataset.window !== this.#listing) {
      this.#listing = element.dataset.window ?? "";
      scroller.scrollTop = Number(element.dataset.first ?? 0) * rowPixels;
      this.#reported = `${Number(element.dataset.first ?? 0)} ${this.rows}`;
    } else if (this.#wasHidden) scroller.scrollTop = this.#scrolled;
    this.#wasHidden = false;
    this.#report();
  }

  #report() {
    this.#frame = 0;
    const shown = list();
    if (!shown?.scroller.clientHeight) return;
    const { element, scroller, rowPixels } = shown;
    this.#scrolled = scroller.scrollTop;
    const above = scroller.getBoundingClientRect().top - element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / rowPixels));
    const report = `${first} ${this.rows}`;
    if (report === this.#reported) return;
    this.#reported = report;
    this.#send(first, this.rows);
  }
}

function list() {
  const element = /** @type {HTMLElement | null} */ (document.querySelector("[data-window]"));
  if (!element) return null;
  // What the style sheet really gives a row counts: text may be enlarged.
  const rowPixels = element.querySelector("li")?.getBoundingClientRect().height || Number(element.dataset.rowHeight ?? ROW_PIXELS);
  return { element, rowPixels, scroller: scrollerOf(element) };
}

/** @param {HTMLElement} element @returns {Element} */
function scrollerOf(element) {
  for (let parent = element.parentElement; parent; parent = parent.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(parent).overflowY)) return parent;
  }
  return document.documentElement;
}
