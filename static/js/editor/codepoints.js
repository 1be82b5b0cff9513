// @ts-check
/**
 * A change never parts a code point: half a surrogate pair cannot be stored, and the note would hold a sign of replacement instead.
 *
 * The browser tells CodeMirror what it did as a difference in UTF-16 units, of which an emoji has two: one that replaces another, or goes
 * from beside one of its kin, shares the first of them. Such a change is widened, to the same text.
 */

import { EditorState, Transaction } from "@codemirror/state";
import { ySyncAnnotation } from "y-codemirror.next";

/** @typedef {import("@codemirror/state").Text} Text */

/**
 * @param {import("@codemirror/state").AnnotationType<any>} fromElsewhere marks changes that no person typed here
 */
export function codePoints(fromElsewhere) {
  return EditorState.transactionFilter.of((transaction) => {
    const isOwn = !transaction.annotation(ySyncAnnotation) && !transaction.annotation(fromElsewhere);
    return (isOwn && transaction.docChanged && widened(transaction)) || transaction;
  });
}

/** The same change of whole code points, where it parts one. @param {Transaction} transaction */
function widened(transaction) {
  const { startState, changes, newSelection: selection, effects, scrollIntoView } = transaction;
  let isCut = false;
  /** @type {{from: number, to: number, insert: Text | string}[]} */
  const whole = [];
  changes.iterChanges((from, to, _from, _to, inserted) => {
    const before = halves(startState.doc, from);
    const after = halves(startState.doc, to);
    isCut ||= before !== "" || after !== "";
    const insert = before || after ? before.slice(0, 1) + inserted.toString() + after.slice(1) : inserted;
    whole.push({ from: from - before.length / 2, to: to + after.length / 2, insert });
  });
  if (!isCut) return null;
  const userEvent = transaction.annotation(Transaction.userEvent);
  return { changes: whole, selection, effects, scrollIntoView, ...(userEvent && { userEvent }) };
}

/** The pair that a place parts; empty where it parts none. @param {Text} doc @param {number} place */
function halves(doc, place) {
  const pair = place > 0 ? doc.sliceString(place - 1, place + 1) : "";
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(pair) ? pair : "";
}
