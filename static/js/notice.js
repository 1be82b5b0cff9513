// @ts-check
/**
 * The few words that must show when there is no core to render them: they stand in index.html, this picks.
 *
 * `[data-notice]` holds one paragraph per case, `data-when`; the core's own words go into the one named `words`. The status element
 * carries its words for unsaved work in `data-late`; while work is late they stand in the place of what the core rendered.
 */

/**
 * Show the words for a case, or none.
 * @param {string} when
 * @param {string} [words] what the core or its host says
 */
export function notice(when, words = "") {
  const box = /** @type {HTMLElement} */ (document.querySelector("[data-notice]"));
  for (const line of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("[data-when]"))) {
    line.hidden = !line.dataset.when?.split(" ").includes(when);
    if (line.dataset.when === "words") {
      line.hidden = !words;
      line.textContent = words;
    }
  }
  box.hidden = !when && !words;
}

/**
 * Show how much of the runtime has come.
 * @param {number} bytes
 */
export function progress(bytes) {
  const line = /** @type {HTMLElement | null} */ (document.querySelector("[data-booting]"));
  const bar = line?.querySelector("progress");
  if (!line || !bar) return;
  line.hidden = false;
  bar.value = Math.min(bytes, bar.max);
}

export class LateWords {
  #late = false;
  /** @type {Element | null} */
  #element = null;
  /** @type {ChildNode[]} */
  #rendered = [];

  /** @param {boolean} late */
  tell(late) {
    this.#late = late;
    this.apply();
  }

  /** Put back what the core rendered: to be called before a rendering. */
  restore() {
    this.#element?.replaceChildren(...this.#rendered);
    this.#element = null;
  }

  /** Show the words if work is late: to be called after a rendering. */
  apply() {
    this.restore();
    const element = this.#late ? document.querySelector("[data-late]") : null;
    if (!element) return;
    this.#element = element;
    this.#rendered = [...element.childNodes];
    element.replaceChildren(element.getAttribute("data-late") ?? "");
  }
}
