// @ts-check
/**
 * The keys between a press that opens something to write in (`data-opens`) and the moment at which the core has made it.
 *
 * 1. The press itself puts the focus into a box of its own, which stands in index.html: what is typed goes neither into what was open before
 *    nor to the pressed button again, and a phone shows its keyboard.
 * 2. When the core names the box that has opened, what was typed is written there as if it had been typed there, with its events and its
 *    undo; what follows on Enter goes where Enter leads from there. A composition is waited for.
 * 3. A note may be given its words without its boxes, by the id that the press gave it: when the next press comes before the core's answer,
 *    when the person has gone elsewhere meanwhile, when the page goes, and when nothing opens after all (the core shows what it cannot save).
 * 4. When nothing opens, the focus goes back to where it was.
 */

import { focus, follow } from "./focus.js";

/** @typedef {{notebook: string, note: string}} Press a press that the core has not answered: which note it makes, and where */

export class Keeper {
  #box = /** @type {HTMLTextAreaElement} */ (document.querySelector("[data-keeper]"));
  /** What is typed for. @type {Press | null} */
  #press = null;
  /** What was typed for it and has been given to it. */
  #given = "";
  /** @type {Element | null} */
  #before = null;
  #composing = false;
  #typing;
  #give;

  /**
   * @param {(box: HTMLElement, on: boolean) => void} typing counts a box as unsaved
   * @param {(press: Press, title: string, body: string) => void} give gives a note its words
   */
  constructor(typing, give) {
    this.#typing = typing;
    this.#give = give;
    this.#box.addEventListener("input", () => typing(this.#box, this.#box.value !== ""));
    this.#box.addEventListener("compositionstart", () => (this.#composing = true));
    this.#box.addEventListener("compositionend", () => (this.#composing = false));
  }

  /** Something to write in is being opened. @param {Press} press */
  wait(press) {
    if (!this.#press) this.#before = document.activeElement;
    this.settle();
    this.#press = press;
    this.#given = "";
    this.#box.hidden = false;
    this.#box.focus({ preventScroll: true });
  }

  /** Give what is typed to its note, which need not be here. */
  settle() {
    if (!this.#press || !this.#box.value) return;
    this.#given += this.#box.value;
    const [title = "", ...body] = this.#given.split("\n");
    this.#give(this.#press, title, body.join("\n"));
    this.#box.value = "";
    this.#typing(this.#box, false);
  }

  /**
   * What was being opened is here: focus it, with what was typed for it.
   * @param {string} target
   * @param {string} note of which press
   */
  async land(target, note) {
    if (this.#composing) await new Promise((resolve) => this.#box.addEventListener("compositionend", resolve, { once: true }));
    if (!this.#press) return focus(target);
    if (this.#press.note !== note) return;
    if (this.#given || !this.#isHere()) this.settle();
    const [line = "", ...rest] = this.#box.value.split("\n");
    try {
      if (this.#isHere()) focus(target);
    } catch (error) {
      this.stay(note);
      throw error;
    }
    const landed = /** @type {HTMLElement} */ (document.activeElement);
    // The one way to type into a box with the events and the undo of typing.
    if (line) document.execCommand("insertText", false, line);
    // An editor that is not loaded yet is no box to write in.
    if (rest.length && !follow(landed, rest.join("\n"))) this.settle();
    this.#end();
  }

  /** Nothing is being opened. @param {string} note by which press */
  stay(note) {
    if (this.#press?.note !== note) return;
    this.settle();
    if (document.activeElement === this.#box && this.#before instanceof HTMLElement) this.#before.focus();
    this.#end();
  }

  /** Whether the person has gone nowhere else meanwhile. */
  #isHere() {
    return document.activeElement === this.#box || document.activeElement === document.body;
  }

  #end() {
    this.#press = this.#before = null;
    this.#box.value = "";
    this.#box.hidden = true;
    this.#typing(this.#box, false);
  }
}
