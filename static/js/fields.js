// @ts-check
/**
 * Text boxes whose text is an action's argument: when it is sent, and for how long it is the person's and not the core's.
 *
 * 1. `data-on="input"`: sent while typing, at most once per frame. Otherwise sent on `change`, that is on leaving the box or Enter.
 * 2. `data-rest="400"`: also sent after that many milliseconds of rest, after twice as many where there is no rest, and counted as unsaved
 *    from the first key on.
 * 3. A box holds what was typed until it was sent and the core has answered for it; `morph` asks. What is typed into a box of a form is
 *    sent with the form, and held as long as the box is there.
 */

import { argumentsOf } from "./arguments.js";

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Box */

/** What a person fills in, as a selector. */
export const BOXES = "input, textarea, select";
const UNTIMED = { timer: 0, since: 0 };

export class Fields {
  /** What is typed and not sent: the timer of its rest, and when its first key came. @type {Map<Box, {timer: number, since: number}>} */
  #typed = new Map();
  /** Boxes of forms that somebody has written in. @type {WeakSet<Element>} */
  #written = new WeakSet();
  /** The number under which a box's text was sent last, and the text. @type {WeakMap<Element, {seq: number, value: string}>} */
  #sent = new WeakMap();
  /** What was sent and the core has not answered. @type {Set<number>} */
  #open = new Set();
  #send;
  #typing;

  /**
   * @param {(name: string, args: Record<string, string>) => number} send gives the number of the act
   * @param {(box: Box, on: boolean) => void} typing counts a box as unsaved
   */
  constructor(send, typing) {
    this.#send = send;
    this.#typing = typing;
  }

  /** @param {Box} box */
  typed(box) {
    if (box.dataset.on === "input") {
      if (!this.#typed.has(box)) requestAnimationFrame(() => this.flush(box));
      return void this.#typed.set(box, UNTIMED);
    }
    const rest = Number(box.dataset.rest ?? 0);
    if (!rest) {
      // It was sent by then, or stands as it stood before and there is nothing to send.
      box.addEventListener("blur", () => this.#typed.delete(box), { once: true });
      return void this.#typed.set(box, UNTIMED);
    }
    const { timer = 0, since = performance.now() } = this.#typed.get(box) ?? {};
    clearTimeout(timer);
    const left = Math.min(rest, since + 2 * rest - performance.now());
    this.#typed.set(box, { timer: setTimeout(() => this.flush(box), left), since });
    this.#typing(box, true);
  }

  /** @param {Box} box one of a form */
  written(box) {
    this.#written.add(box);
  }

  /** @param {Box} box */
  changed(box) {
    if (box.dataset.on === "input") return;
    // The change event also ends a typing whose text has been sent after its rest.
    if (this.#typed.has(box) || this.#sent.get(box)?.value !== box.value) this.#deliver(box);
  }

  /** Send what is typed in every box. */
  flushAll() {
    for (const box of [...this.#typed.keys()]) this.#deliver(box);
  }

  /** Send what is typed in a box, if anything. @param {Element} element */
  flush(element) {
    if (this.#typed.has(/** @type {Box} */ (element))) this.#deliver(/** @type {Box} */ (element));
  }

  /** @param {Box} box */
  #deliver(box) {
    clearTimeout(this.#typed.get(box)?.timer);
    this.#typed.delete(box);
    const seq = this.#send(box.dataset.action ?? "", { ...argumentsOf(box), value: box.value });
    this.#sent.set(box, { seq, value: box.value });
    this.#open.add(seq);
    this.#typing(box, false);
  }

  /** @param {number} sequence */
  answered(sequence) {
    this.#open.delete(sequence);
  }

  /** @param {Element} element */
  holds(element) {
    if (this.#written.has(element) || this.#typed.has(/** @type {Box} */ (element))) return true;
    return this.#open.has(this.#sent.get(element)?.seq ?? 0);
  }

  /** @param {Element} element */
  key(element) {
    return JSON.stringify([element.getAttribute("data-action"), argumentsOf(element)]);
  }
}
