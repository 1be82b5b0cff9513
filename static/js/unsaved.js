// @ts-check
/**
 * Keep what this tab has sent until the core says that it is durable.
 *
 * 1. Every act and edit gets the next number of this load; it is kept until `saved` reaches that number.
 * 2. `data-unsaved` on the document element counts what is kept and what is being typed, and does so before `send` returns.
 * 3. When the oldest kept message is more than a second old, `late` is told, once, and again when that is over.
 * 4. What is kept when the page goes is put into the session storage of this tab and sent again by the next load, under new numbers.
 *    Twice is once: an edit is a CRDT update, and an act names what it creates. Never while a lock is set: it would be plaintext at rest.
 */

/** @typedef {import("./messages").Act} Act */
/** @typedef {import("./messages").Edit} Edit */

const LATE_MS = 1_000;

export class Unsaved {
  /** @type {{message: Act | Edit, since: number}[]} */
  #kept = [];
  /** @type {Set<unknown>} */
  #typing = new Set();
  #sequence = 0;
  #late = false;
  #timer = 0;
  #place;
  #root;
  #post;
  #tellLate;

  /**
   * @param {string} place names the site in the session storage
   * @param {HTMLElement} root carries `data-unsaved`
   * @param {(message: Act | Edit) => void} post
   * @param {(late: boolean) => void} tellLate
   */
  constructor(place, root, post, tellLate) {
    this.#place = `carryon-unsaved:${place}`;
    this.#root = root;
    this.#post = post;
    this.#tellLate = tellLate;
    for (const message of read(sessionStorage.getItem(this.#place))) this.#keep(message);
  }

  /**
   * Number a message, keep it, and post it.
   * @param {Omit<Act, "seq"> | Omit<Edit, "seq">} message
   * @returns {number} its number
   */
  send(message) {
    const numbered = this.#keep(message);
    this.#post(numbered);
    return numbered.seq;
  }

  /**
   * Forget what is durable now.
   * @param {number} sequence everything up to this number is
   */
  saved(sequence) {
    const first = this.#kept.findIndex(({ message }) => message.seq > sequence);
    this.#kept.splice(0, first < 0 ? this.#kept.length : first);
    if (!this.#kept.length) sessionStorage.removeItem(this.#place);
    this.#count();
  }

  /** What a new core has to be told. @returns {(Act | Edit)[]} */
  pending() {
    return this.#kept.map(({ message }) => message);
  }

  /**
   * Count what is typed and not sent yet.
   * @param {unknown} thing what is typed into
   * @param {boolean} on
   */
  typing(thing, on) {
    if (on) this.#typing.add(thing);
    else this.#typing.delete(thing);
    this.#count();
  }

  /** Put what is kept where the next load of this tab finds it. */
  spill() {
    const messages = this.pending().filter((message) => message.type === "edit" || !message.files?.length);
    if (!messages.length || this.#root.hasAttribute("data-locked")) return sessionStorage.removeItem(this.#place);
    return sessionStorage.setItem(this.#place, write(messages));
  }

  /** Whether everything sent is durable. */
  get empty() {
    return !this.#kept.length;
  }

  /** @param {Omit<Act, "seq"> | Omit<Edit, "seq">} message */
  #keep(message) {
    const numbered = /** @type {Act | Edit} */ ({ ...message, seq: ++this.#sequence });
    this.#kept.push({ message: numbered, since: performance.now() });
    this.#count();
    return numbered;
  }

  #count() {
    this.#root.dataset.unsaved = String(this.#kept.length + this.#typing.size);
    clearTimeout(this.#timer);
    const oldest = this.#kept[0]?.since;
    const left = oldest === undefined ? Infinity : oldest + LATE_MS - performance.now();
    if (left > 0 && left < Infinity) this.#timer = setTimeout(() => this.#count(), left);
    if (this.#late === left <= 0) return;
    this.#late = left <= 0;
    this.#tellLate(this.#late);
  }
}

/** @param {(Act | Edit)[]} messages */
function write(messages) {
  return JSON.stringify(messages, (_, value) =>
    value instanceof Uint8Array ? { base64: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) } : value,
  );
}

/** @param {string | null} text @returns {(Act | Edit)[]} */
function read(text) {
  return JSON.parse(text ?? "[]", (_, value) =>
    typeof value?.base64 === "string" ? Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)) : value,
  );
}
