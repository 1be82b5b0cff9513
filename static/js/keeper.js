// @ts-check
/**
 * The keys between a press that opens something to write in (`data-opens`) and the moment at which the core has made it.
 *
 * 1. The press itself puts the focus into a box of its own, which stands in index.html: what is typed goes neither into what was open before
 *    nor to the pressed button again, and a phone shows its keyboard.
 * 2. When the core names the box that has opened, what was typed is written there as if it had been typed there, with its events and its
 *    undo; what follows on Enter goes where Enter leads from there. A composition is waited for.
 * 3. When nothing opens after all, the focus goes back to where it was.
 */

import { focus, follow } from "./focus.js";

export class Keeper {
  #box = /** @type {HTMLTextAreaElement} */ (document.querySelector("[data-keeper]"));
  /** @type {Element | null} */
  #before = null;
  #composing = false;
  #typing;

  /** @param {(box: HTMLElement, on: boolean) => void} typing counts a box as unsaved */
  constructor(typing) {
    this.#typing = typing;
    this.#box.addEventListener("input", () => typing(this.#box, this.#box.value !== ""));
    this.#box.addEventListener("compositionstart", () => (this.#composing = true));
    this.#box.addEventListener("compositionend", () => (this.#composing = false));
  }

  /** Something to write in is being opened. */
  wait() {
    if (this.#box.hidden) this.#before = document.activeElement;
    this.#box.hidden = false;
    this.#box.focus({ preventScroll: true });
  }

  /** What was being opened is here: focus it, with what was typed for it. @param {string} target */
  async land(target) {
    if (this.#composing) await new Promise((resolve) => this.#box.addEventListener("compositionend", resolve, { once: true }));
    const [line = "", ...rest] = this.#box.value.split("\n");
    const isKept = !this.#box.hidden;
    try {
      focus(target);
    } catch (error) {
      this.release();
      throw error;
    }
    if (!isKept) return;
    const landed = /** @type {HTMLElement} */ (document.activeElement);
    // The one way to type into a box with the events and the undo of typing.
    if (line) document.execCommand("insertText", false, line);
    if (rest.length) follow(landed, rest.join("\n"));
    this.#empty();
  }

  /** Nothing is being opened. */
  release() {
    if (document.activeElement === this.#box && this.#before instanceof HTMLElement) this.#before.focus();
    this.#empty();
  }

  #empty() {
    this.#box.value = "";
    this.#box.hidden = true;
    this.#before = null;
    this.#typing(this.#box, false);
  }
}
