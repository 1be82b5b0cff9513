// @ts-check
/**
 * `<carryon-editor data-note data-editable>text to read until it is bound</carryon-editor>`: CodeMirror on the open note's replica.
 *
 * 1. It lives in an open shadow root: there CodeMirror's styles are adopted style sheets, which the policy allows.
 * 2. It can be written in before the core has bound it. What is typed by then is kept as changes to the text it stood with; binding turns
 *    the text that was shown into the note's (`difference.js`) and carries the changes over. They count as unsaved from the first one, and
 *    are kept when the note is left before it was bound: for the next time.
 * 3. A note is split into lines at "\n" only, so that offsets here and in Yjs are the same whatever a file's line ends are.
 */

import { defaultKeymap } from "@codemirror/commands";
import { Annotation, Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { ySyncFacet, yCollab, yUndoManagerKeymap } from "y-codemirror.next";

import { codePoints } from "./editor/codepoints.js";
import { carryOver } from "./editor/difference.js";
import { direction } from "./editor/direction.js";
import { lineEnds } from "./editor/lineends.js";
import { markdownStyle } from "./editor/markdown.js";
import { tasks } from "./editor/tasks.js";
import { followBack } from "./focus.js";
import { Replica } from "./replica.js";

/** @typedef {import("@codemirror/state").ChangeSet} ChangeSet */
/** @typedef {import("@codemirror/view").ViewUpdate} ViewUpdate */
/** @typedef {import("./messages").Bind} Bind */
/** @typedef {import("./messages").Edit} Edit */
/** @typedef {import("./messages").Update} Update */

/** @type {Desk} */
let desk;

/**
 * Define the element; once per page.
 * @param {number} client the tab's client id
 * @param {(edit: Omit<Edit, "seq">) => void} send
 * @param {(thing: unknown, on: boolean) => void} typing counts what is typed before the core has bound the note
 */
export function start(client, send, typing) {
  desk = new Desk(client, send, typing);
  customElements.define("carryon-editor", CarryonEditor);
  return desk;
}

/** Notes of which this tab keeps what can be undone: those that were open last. */
const REPLICAS_MAX = 24;

/** @typedef {{note: string, shown: string, changes: ChangeSet}} Early what was typed into a note that was not bound, as changes to the text that was shown */

/** The note that lies open in this tab, the element that shows it, and the notes that lay open before. */
export class Desk {
  /** @type {Replica | null} */
  replica = null;
  /** The last one is the one that was bound last. @type {Map<string, Replica>} */
  #replicas = new Map();
  /** What was typed into notes that were left before they were bound. @type {Early[]} */
  #left = [];
  /** @type {CarryonEditor | null} */
  editor = null;
  #client;
  #send;

  /** @param {number} client @param {(edit: Omit<Edit, "seq">) => void} send @param {(thing: unknown, on: boolean) => void} typing */
  constructor(client, send, typing) {
    this.#client = client;
    this.#send = send;
    this.typing = typing;
  }

  /** What a new core is told. */
  get open() {
    return this.replica && { note: this.replica.note, vector: this.replica.vector };
  }

  /** @param {Bind} message */
  bind(message) {
    const { notebook, note, anew } = message;
    if (anew) this.#replicas.delete(note);
    const replica = this.#replicaOf(notebook, note);
    if (this.replica !== replica) this.replica?.leave();
    this.replica = replica;
    replica.bind(message);
    this.#return(note, replica);
    this.editor?.bind();
  }

  /** Keep what was typed into a note that is left unbound, for the next time that it is bound. @param {Early} early */
  leave(early) {
    this.#left.push(early);
    this.typing(early, true);
  }

  /** Whether there are words here that are in no message to the core yet. */
  get holdsWords() {
    return this.#left.length > 0 || Boolean(this.editor?.early);
  }

  /** @param {string} note @param {Replica} replica */
  #return(note, replica) {
    for (const early of this.#left.filter((each) => each.note === note)) {
      write(replica, carryOver(early.changes, early.shown, replica.text.toString()).typed, null);
      this.#left.splice(this.#left.indexOf(early), 1);
      this.typing(early, false);
    }
  }

  /** Give a new note, which need not be open, its text. @param {string} notebook @param {string} note @param {string} text or more of it */
  give(notebook, note, text) {
    const replica = this.#replicaOf(notebook, note);
    replica.text.insert(replica.text.length, text.slice(replica.text.length));
  }

  /** @param {string} notebook @param {string} note */
  #replicaOf(notebook, note) {
    const replica = this.#replicas.get(note) ?? new Replica(notebook, note, this.#client, this.#send);
    this.#replicas.delete(note);
    this.#replicas.set(note, replica);
    const [oldest] = this.#replicas.keys();
    // An editor that still stands on it keeps it alive.
    if (this.#replicas.size > REPLICAS_MAX && oldest) this.#replicas.delete(oldest);
    return replica;
  }

  /** @param {Update} message */
  update(message) {
    if (this.replica?.note === message.note) this.replica.update(message);
  }
}

// CodeMirror takes up to 50 ms to read what a composition has left.
const COMPOSED_MS = 60;

/** A change that this person did not type here. */
const fromElsewhere = Annotation.define();

// Typing over a selection is done here: Chromium's own way keeps the looks of what it joins in style attributes, which the policy blocks.
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.isComposing || !event.data || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

class CarryonEditor extends HTMLElement {
  static observedAttributes = ["data-note", "data-editable"];

  #root = this.attachShadow({ mode: "open", delegatesFocus: true });
  #collaboration = new Compartment();
  #editable = new Compartment();
  /** @type {EditorView | null} */
  #view = null;
  /** @type {Replica | null} */
  #bound = null;
  /** What was typed before the binding, as changes to the text that was shown. @type {ChangeSet | null} */
  early = null;
  #shown = "";

  connectedCallback() {
    desk.editor = this;
    this.#open();
  }

  disconnectedCallback() {
    if (desk.editor === this) desk.editor = null;
    this.#close(this.dataset.note);
  }

  // Moved within the page by a rendering: nothing to do, and nothing to lose.
  connectedMoveCallback() {}

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (!this.#view || old === value) return;
    if (name === "data-editable") return this.#view.dispatch({ effects: this.#editable.reconfigure(this.#editability()) });
    // The text of the other note comes into the element right after its attributes.
    queueMicrotask(() => {
      if (!this.isConnected) return;
      this.#close(old);
      this.#open();
    });
  }

  /** Show the replica, and give it what was typed before. */
  bind() {
    const view = this.#view;
    const replica = desk.replica;
    if (!view || !replica || replica.note !== this.dataset.note || replica === this.#bound) return;
    if (this.#bound) {
      // It stood on a replica whose words were refused; the binding to that one ends only when it is taken out of the state.
      this.#bound.hold(false);
      this.#shown = view.state.doc.toString();
      view.dispatch({ effects: this.#collaboration.reconfigure([]) });
    }
    const { arrived, typed } = carryOver(this.early ?? view.state.changes(), this.#shown, replica.text.toString());
    this.#bound = replica;
    view.dispatch({
      changes: arrived,
      effects: this.#collaboration.reconfigure(yCollab(replica.text, null, { undoManager: replica.undo })),
      annotations: fromElsewhere.of(true),
    });
    write(replica, typed, view.state.facet(ySyncFacet));
    this.early = null;
    desk.typing(this, false);
  }

  /** Go into the text, where one was. */
  focus() {
    this.#view?.focus();
  }

  /** Go into the text, at its beginning. @param {string} text is written there */
  enter(text) {
    const view = this.#view;
    if (!view) return;
    view.focus();
    view.dispatch({ selection: { anchor: 0 }, scrollIntoView: true });
    if (text) view.dispatch(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  }

  #open() {
    this.#shown = this.textContent ?? "";
    this.#view = new EditorView({ state: this.#state(this.#shown), parent: this.#root, root: this.#root });
    // Before CodeMirror, which passes over the keys of a composition.
    for (const type of /** @type {const} */ (["keydown", "keyup"])) this.#view.dom.addEventListener(type, this.#endComposition, true);
    this.bind();
  }

  /** @param {string | null | undefined} note that it has shown */
  #close(note) {
    this.#bound?.hold(false);
    if (this.early && note) desk.leave({ note, shown: this.#shown, changes: this.early });
    this.#view?.destroy();
    this.#view = this.#bound = this.early = null;
    desk.typing(this, false);
  }

  /** @param {string} doc */
  #state(doc) {
    return EditorState.create({
      doc,
      extensions: [
        EditorState.lineSeparator.of("\n"),
        this.#collaboration.of([]),
        this.#editable.of(this.#editability()),
        keymap.of([{ key: "ArrowUp", run: (view) => isOnFirstLine(view) && followBack(this) }, ...yUndoManagerKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Note", spellcheck: "true", autocorrect: "on", autocapitalize: "sentences" }),
        EditorView.updateListener.of((update) => this.#typedEarly(update)),
        typeOver,
        EditorView.domEventHandlers({
          compositionstart: () => this.#bound?.hold(true),
          compositionend: () => void setTimeout(() => this.#view?.compositionStarted || this.#bound?.hold(false), COMPOSED_MS),
        }),
        // What stands last is asked first: the line ends are mended in whole code points.
        lineEnds(fromElsewhere),
        codePoints(fromElsewhere),
        markdownStyle,
        tasks,
        direction,
      ],
    });
  }

  #editability() {
    const editable = this.dataset.editable === "true";
    return [EditorState.readOnly.of(!editable), EditorView.editable.of(editable)];
  }

  /** Chromium ends a composition whose text is taken out of the page, as undo does, without a word: the next key tells. @param {KeyboardEvent} event */
  #endComposition = ({ isComposing }) => {
    if (!isComposing && this.#view?.compositionStarted) this.#view.contentDOM.dispatchEvent(new CompositionEvent("compositionend"));
  };

  /** @param {ViewUpdate} update */
  #typedEarly(update) {
    if (this.#bound || !update.docChanged) return;
    this.early = this.early ? this.early.compose(update.changes) : update.changes;
    desk.typing(this, true);
  }
}

/** Whether nothing is selected and the caret stands in the first line as it is shown. @param {EditorView} view */
function isOnFirstLine(view) {
  const { empty, head } = view.state.selection.main;
  const [first, caret] = [view.coordsAtPos(0), view.coordsAtPos(head)];
  return empty && first !== null && caret !== null && caret.top < first.bottom;
}

/**
 * Write changes into a replica.
 * @param {Replica} replica
 * @param {ChangeSet} changes
 * @param {unknown} origin an editor's that shows them already
 */
function write(replica, changes, origin) {
  let moved = 0;
  replica.doc.transact(() => {
    changes.iterChanges((from, to, _from, _to, inserted) => {
      replica.text.delete(from + moved, to - from);
      replica.text.insert(from + moved, inserted.toString());
      moved += inserted.length - (to - from);
    });
  }, origin);
}
