// @ts-check
/**
 * Each paragraph runs in its own direction, as its first strong letter says.
 */

import { RangeSetBuilder } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin } from "@codemirror/view";

const auto = Decoration.line({ attributes: { dir: "auto" } });

/** @param {EditorView} view */
function directions(view) {
  const builder = /** @type {RangeSetBuilder<Decoration>} */ (new RangeSetBuilder());
  for (const { from, to } of view.visibleRanges) {
    for (let line = view.state.doc.lineAt(from); ; line = view.state.doc.line(line.number + 1)) {
      builder.add(line.from, line.from, auto);
      if (line.to >= to) break;
    }
  }
  return builder.finish();
}

const lines = ViewPlugin.define(
  (view) => ({
    decorations: directions(view),
    update(update) {
      if (update.docChanged || update.viewportChanged) this.decorations = directions(update.view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

export const direction = [EditorView.perLineTextDirection.of(true), lines];
