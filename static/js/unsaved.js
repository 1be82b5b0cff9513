// @ts-check
/**
 * Keep what this tab has sent until the core says that it is durable.
 *
 * 1. Every act and edit gets the next number of this load; it is kept until the core has answered for this very number.
 * 2. `data-unsaved` on the document element counts what is kept and what is being typed, and does so before `send` returns.
 * 3. When the oldest kept message, or the first key of what is being typed, is more than a second old, `late` is told, once, and again
 *    when that is over.
 * 4. What is kept when the page goes is put into the session storage of this tab and sent again by the next load, under new numbers.
 *    Twice is once: an edit is a CRDT update, and an act is known by its nonce. Never while a lock is set: it would be plaintext at rest.
 * 5. A session storage holds some 5 Mi characters. The newest that fit are kept; how many do not is counted, and the next load says so.
 */

/** @typedef {import("./messages").Act} Act */
/** @typedef {import("./messages").Edit} Edit */

const LATE_MS = 1_000;
/** What browsers give a site's session storage, with room for what else may lie there. */
const CHARACTERS_MAX = 5 * 1024 * 1024 - 64 * 1024;

export class Unsaved {
  /** @type {{message: Act | Edit, since: number}[]} */
  #kept = [];
  /** What is typed into, and since when. @type {Map<unknown, number>} */
  #typing = new Map();
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
    const { unkept, messages } = read(sessionStorage.getItem(this.#place));
    this.unkept = unkept;
    for (const message of messages) this.#keep(message);
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
   * Forget what the core has answered for.
   * @param {number} sequence its number
   */
  answered(sequence) {
    const place = this.#kept.findIndex(({ message }) => message.seq === sequence);
    if (place >= 0) this.#kept.splice(place, 1);
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
    if (!on) this.#typing.delete(thing);
    else if (!this.#typing.has(thing)) this.#typing.set(thing, performance.now());
    this.#count();
  }

  /** The core has been told how many of the last load's were not kept. */
  told() {
    this.unkept = 0;
  }

  /**
   * Put what is kept where the next load of this tab finds it.
   * @returns {boolean} whether all of it found room
   */
  spill() {
    const texts = this.pending().filter((message) => message.type === "edit" || !message.files?.length).map(write);
    sessionStorage.removeItem(this.#place);
    if (!texts.length || this.#root.hasAttribute("data-locked")) return true;
    let first = fitting(texts, CHARACTERS_MAX);
    // Others of this origin may have filled it: then half of these is tried, and so on.
    while (!put(this.#place, `{"unkept":${this.unkept + first},"messages":[${texts.slice(first).join()}]}`)) {
      if (first === texts.length) return false;
      first += Math.ceil((texts.length - first) / 2);
    }
    return first === 0;
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
    const oldest = Math.min(this.#kept[0]?.since ?? Infinity, ...this.#typing.values());
    const left = oldest + LATE_MS - performance.now();
    if (left > 0 && left < Infinity) this.#timer = setTimeout(() => this.#count(), left);
    if (this.#late === left <= 0) return;
    this.#late = left <= 0;
    this.#tellLate(this.#late);
  }
}

/**
 * Find the first of the last texts that fit together.
 * @param {string[]} texts
 * @param {number} room
 */
function fitting(texts, room) {
  let first = texts.length;
  while (first > 0 && (room -= (texts[first - 1]?.length ?? 0) + 1) >= 0) first -= 1;
  return first;
}

/**
 * Put a text into the session storage, where there is room for it.
 * @param {string} place
 * @param {string} text
 */
function put(place, text) {
  try {
    sessionStorage.setItem(place, text);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "QuotaExceededError") return false;
    throw error;
  }
  return true;
}

/** @param {Act | Edit} message */
function write(message) {
  return JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? { base64: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) } : value));
}

/**
 * Read what was spilled; a release before this one spilled the messages alone.
 * @param {string | null} text
 * @returns {{unkept: number, messages: (Act | Edit)[]}}
 */
function read(text) {
  const spilled = JSON.parse(text ?? "[]", (_, value) =>
    typeof value?.base64 === "string" ? Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)) : value,
  );
  return Array.isArray(spilled) ? { unkept: 0, messages: spilled } : spilled;
}
