// @ts-check
/**
 * Keys pressed before the core is up, after an action that will move the focus (New note), are kept for where it lands.
 *
 * Keys in the editor itself are not kept here: the editor takes them at once and merges them when it is bound.
 */

const TEXTS = "input, textarea, select, carryon-editor";

export class EarlyKeys {
  #keys = "";

  /** @param {() => boolean} expected whether the core is not up and an action waits for it */
  constructor(expected) {
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !expected()) return;
      if (event.target instanceof Element && event.target.matches(TEXTS)) return;
      if (event.key === "Backspace") this.#keys = [...this.#keys].slice(0, -1).join("");
      else if ([...event.key].length === 1) this.#keys += event.key;
      else return;
      // A space would press the focused button again.
      event.preventDefault();
    }, true);
    // Whoever points somewhere else means another place.
    document.addEventListener("pointerdown", () => (this.#keys = ""), true);
  }

  /** Type what was kept into what has the focus now. */
  land() {
    // The one way to type into a box and into an editor alike, with the events and the undo of typing.
    if (this.#keys) document.execCommand("insertText", false, this.#keys);
    this.#keys = "";
  }
}
