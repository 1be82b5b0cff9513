// @ts-check
/**
 * The open note as one more replica: a Yjs document in this tab, which the core's updates and the editor's edits meet in.
 *
 * 1. A replica stays when its editor leaves the page (preview, another note), and what can be undone with it; it ends when the core says
 *    that it begins anew: what it held beyond the core's state was refused.
 * 2. Every local transaction becomes one `edit`; what comes from the core carries the origin `CORE` and goes nowhere.
 * 3. On each binding the core says what it has; what it lacks is answered as an edit.
 * 4. The tab's client id is used again for a note only if the note holds everything that was written under it here: a client id whose
 *    clock is used twice corrupts silently. Otherwise the document keeps a random id of its own.
 */

import * as Y from "yjs";

/** @typedef {import("./messages").Bind} Bind */
/** @typedef {import("./messages").Edit} Edit */
/** @typedef {import("./messages").Update} Update */

const CORE = "core";

/** How far this tab has written, by note. @type {Map<string, number>} */
const clocks = new Map();

export class Replica {
  doc = new Y.Doc();
  text = this.doc.getText("body");
  undo = new Y.UndoManager(this.text);
  #shown = 0;
  #isNew = true;
  /** What has come while it had to wait. @type {Update[] | null} */
  #held = null;
  #client;
  #send;

  /**
   * @param {string} notebook
   * @param {string} note
   * @param {number} client the tab's client id
   * @param {(edit: Omit<Edit, "seq">) => void} send
   */
  constructor(notebook, note, client, send) {
    this.notebook = notebook;
    this.note = note;
    this.#client = client;
    this.#send = send;
    this.doc.on("update", (/** @type {Uint8Array} */ update, /** @type {unknown} */ origin) => {
      if (origin !== CORE) this.#edited(update);
    });
  }

  /** Its note lies open no more: what is written later is another step of its undo. */
  leave() {
    this.undo.stopCapturing();
  }

  /** What this replica has. */
  get vector() {
    return Y.encodeStateVector(this.doc);
  }

  /** @param {Bind} message */
  bind({ notebook, update, vector, shown }) {
    // A note that was given words before it was bound may have been made in whichever notebook was open.
    this.notebook = notebook;
    this.hold(false);
    this.#apply(update, shown);
    const written = Y.getState(this.doc.store, this.#client);
    if (this.#isNew && written === (clocks.get(this.note) ?? 0)) this.doc.clientID = this.#client;
    this.#isNew = false;
    const theirs = Y.decodeStateVector(vector);
    const isAhead = [...Y.decodeStateVector(this.vector)].some(([client, clock]) => clock > (theirs.get(client) ?? 0));
    if (isAhead) this.#edited(Y.encodeStateAsUpdate(this.doc, vector));
  }

  /** @param {Update} message */
  update(message) {
    if (this.#held) this.#held.push(message);
    else this.#apply(message.update, message.shown);
  }

  /** Let what comes wait while an input method composes: a change beside it would end the composition. @param {boolean} on */
  hold(on) {
    const held = this.#held ?? [];
    this.#held = on ? held : null;
    if (!on) for (const { update, shown } of held) this.#apply(update, shown);
  }

  /** @param {Uint8Array} update @param {number} shown */
  #apply(update, shown) {
    this.#shown = shown;
    Y.applyUpdate(this.doc, update, CORE);
  }

  /** @param {Uint8Array} update */
  #edited(update) {
    clocks.set(this.note, Y.getState(this.doc.store, this.#client));
    this.#send({ type: "edit", notebook: this.notebook, note: this.note, update, shown: this.#shown });
  }
}
