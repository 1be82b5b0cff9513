// @ts-check
/**
 * Files with Windows line ends stay files with Windows line ends.
 *
 * 1. A "\r" before "\n" is not shown, and the pair is one place: the caret is never between the two, and no change parts them: of
 *    a pair that one would part the "\n" counts, as it does for a line.
 * 2. What a person types or pastes takes the note's line end: that of its first line.
 * 3. Nothing else is touched: a lone "\r" is shown as a sign, and stays.
 */

import { indentService } from "@codemirror/language";
import { EditorSelection, EditorState, RangeSetBuilder, countColumn } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, highlightSpecialChars } from "@codemirror/view";
import { ySyncAnnotation } from "y-codemirror.next";

/** @typedef {import("@codemirror/state").Text} Text */
/** @typedef {import("@codemirror/state").Transaction} Transaction */
/** @typedef {import("@codemirror/state").AnnotationType<any>} AnnotationType */

const hidden = Decoration.replace({});

// CodeMirror's own signs, without the "\r" that ends a line and the byte order mark.
const SIGNS =
  // eslint-disable-next-line no-control-regex
  /[\0-\b\v\f\x0e-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028\u2029\u202d\u202e\u2066\u2067\u2069\ufff9-\ufffc]|\r(?!$)/g;

/**
 * @param {AnnotationType} fromElsewhere marks changes that no person typed here
 */
export function lineEnds(fromElsewhere) {
  const typed = EditorState.transactionFilter.of((transaction) => {
    const isOwn = !transaction.annotation(ySyncAnnotation) && !transaction.annotation(fromElsewhere);
    const changes = isOwn && transaction.docChanged ? repairs(transaction) : [];
    return changes.length ? [transaction, { changes, sequential: true }] : transaction;
  });
  const caret = EditorState.transactionFilter.of((transaction) => {
    const { newDoc, newSelection } = transaction;
    if (!newSelection.ranges.some(({ anchor, head }) => isParted(newDoc, anchor) || isParted(newDoc, head))) return transaction;
    const { anchor, head, goalColumn } = newSelection.main;
    const range = EditorSelection.range(anchor - Number(isParted(newDoc, anchor)), head - Number(isParted(newDoc, head)), goalColumn);
    return [transaction, { selection: EditorSelection.create([range]), sequential: true }];
  });
  return [caret, typed, pairs, afterCaret, blankLines, highlightSpecialChars({ specialChars: SIGNS })];
}

/** @param {Text} doc @param {number} place */
function isParted(doc, place) {
  return place > 0 && doc.sliceString(place - 1, place + 1) === "\r\n";
}

/**
 * What has to change after a transaction of a person, in the text that it leaves.
 * @param {Transaction} transaction
 */
function repairs(transaction) {
  const { startState, changes, newDoc } = transaction;
  const windows = startState.doc.lines > 1 && startState.doc.line(1).text.endsWith("\r");
  /** @type {{from: number, to?: number, insert?: string}[]} */
  const found = [];
  changes.iterChanges((fromA, toA, fromB, toB) => {
    const text = newDoc.sliceString(fromB, toB);
    for (const { index } of text.matchAll(/\n/g)) {
      const place = fromB + index;
      const isPair = isParted(newDoc, place);
      if (windows && !isPair) found.push({ from: place, insert: "\r" });
      if (!windows && isPair && index > 0) found.push({ from: place - 1, to: place });
    }
    // A "\r" whose "\n" went goes too, and a "\n" that stays gets another one.
    if (isParted(startState.doc, fromA) && !isParted(newDoc, fromB)) found.push({ from: fromB - 1, to: fromB });
    if (isParted(startState.doc, toA) && !isParted(newDoc, toB)) found.push({ from: toB, insert: "\r" });
    // A line was moved to the end of the note, where none ends.
    const isLast = toB === newDoc.length && transaction.isUserEvent("move.line");
    if (isLast && windows && text.endsWith("\r")) found.push({ from: toB - 1, to: toB });
  });
  return found;
}

const pairs = ViewPlugin.define(
  (view) => {
    const plugin = { hidden: Decoration.none, update };
    /** @param {{view: EditorView, docChanged: boolean, viewportChanged: boolean}} update */
    function update({ view, docChanged, viewportChanged }) {
      if (!docChanged && !viewportChanged) return;
      const shown = /** @type {RangeSetBuilder<Decoration>} */ (new RangeSetBuilder());
      for (const end of ends(view)) shown.add(end, end + 1, hidden);
      plugin.hidden = shown.finish();
    }
    update({ view, docChanged: true, viewportChanged: true });
    return plugin;
  },
  { decorations: (plugin) => plugin.hidden },
);

// What goes on from before a pair goes over it; what comes upon one from elsewhere, down a column or to the end of a line, stays before it.
const afterCaret = EditorView.atomicRanges.of(({ state: { doc, selection } }) => {
  const { head } = selection.main;
  return isParted(doc, head + 1) ? Decoration.set(hidden.range(head, head + 2)) : Decoration.none;
});

// The "\r" of a line of blanks is none that Enter would take over.
const blankLines = indentService.of(({ state }, place) => {
  const blanks = /^\s*(?=\r$)/.exec(state.doc.lineAt(place).text);
  return blanks ? countColumn(blanks[0], state.tabSize) : undefined;
});

/** Where a "\r\n" begins, in what is in view. @param {EditorView} view */
function* ends({ visibleRanges, state: { doc } }) {
  for (const { from, to } of visibleRanges) {
    for (let line = doc.lineAt(from); ; line = doc.line(line.number + 1)) {
      if (line.text.endsWith("\r") && line.to < doc.length) yield line.to - 1;
      if (line.to >= to) break;
    }
  }
}
