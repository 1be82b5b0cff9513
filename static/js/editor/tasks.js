// @ts-check
/**
 * A task's `[ ]` is a box to press; while the caret is at it, it is text to edit. Ctrl/Cmd-Enter presses the box of the caret's line.
 */

import { syntaxTree } from "@codemirror/language";
import { Prec } from "@codemirror/state";
import { Decoration, ViewPlugin, WidgetType, keymap } from "@codemirror/view";

/** @typedef {import("@codemirror/view").EditorView} EditorView */
/** @typedef {import("@codemirror/view").ViewUpdate} ViewUpdate */

/** @param {EditorView} view @param {number} from where the `[` stands */
function press(view, from) {
  const mark = view.state.sliceDoc(from + 1, from + 2);
  view.dispatch({ changes: { from: from + 1, to: from + 2, insert: mark === " " ? "x" : " " }, userEvent: "input.task" });
}

class Box extends WidgetType {
  /** @param {boolean} done @param {string} label */
  constructor(done, label) {
    super();
    this.done = done;
    this.label = label;
  }

  /** @param {Box} other */
  eq(other) {
    return other.done === this.done && other.label === this.label;
  }

  /** @param {EditorView} view */
  toDOM(view) {
    const input = document.createElement("input");
    input.type = "checkbox";
    input.className = "task";
    input.tabIndex = -1;
    // Neither the caret nor the focus goes to the box.
    input.addEventListener("mousedown", (event) => event.preventDefault());
    input.addEventListener("click", () => press(view, view.posAtDOM(input)));
    this.updateDOM(input);
    return input;
  }

  /** @param {HTMLElement} dom */
  updateDOM(dom) {
    const input = /** @type {HTMLInputElement} */ (dom);
    input.checked = this.done;
    input.setAttribute("aria-label", this.label);
    return true;
  }
}

/** @param {EditorView} view */
function boxes({ state, visibleRanges }) {
  /** @type {import("@codemirror/state").Range<Decoration>[]} */
  const found = [];
  const { head } = state.selection.main;
  for (const { from, to } of visibleRanges) {
    syntaxTree(state).iterate({ from, to, enter: (node) => {
      if (node.name !== "TaskMarker" || (node.from <= head && head <= node.to && !state.readOnly)) return;
      const done = state.sliceDoc(node.from + 1, node.from + 2) !== " ";
      const label = state.sliceDoc(node.to, state.doc.lineAt(node.to).to).trim();
      found.push(Decoration.replace({ widget: new Box(done, label) }).range(node.from, node.to));
    } });
  }
  return Decoration.set(found);
}

const shown = ViewPlugin.define(
  (view) => ({
    decorations: boxes(view),
    /** @param {ViewUpdate} update */
    update(update) {
      const isParsed = syntaxTree(update.startState) !== syntaxTree(update.state);
      if (update.docChanged || update.viewportChanged || update.selectionSet || isParsed) this.decorations = boxes(update.view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

/** @param {EditorView} view */
function pressHere(view) {
  const { from, to } = view.state.doc.lineAt(view.state.selection.main.head);
  let at = -1;
  syntaxTree(view.state).iterate({ from, to, enter: (node) => {
    if (node.name === "TaskMarker") at = node.from;
  } });
  if (at < 0 || view.state.readOnly) return false;
  press(view, at);
  return true;
}

export const tasks = [shown, Prec.high(keymap.of([{ key: "Mod-Enter", run: pressHere }]))];
