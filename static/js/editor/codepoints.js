// @ts-check
/**
 * Text changes by whole code points: Yjs would write U+FFFD for each half that a change parts, and the core for each half that stands alone.
 *
 * 1. A change that begins or ends between the two halves of one, as the browser's and CodeMirror's differences do, takes in the other half.
 * 2. Half a code point that a change would leave alone is no text, and is left out.
 */

import { EditorState } from "@codemirror/state";
import { ySyncAnnotation } from "y-codemirror.next";

/** @typedef {import("@codemirror/state").AnnotationType<any>} AnnotationType */
/** @typedef {import("@codemirror/state").Transaction} Transaction */

/** Halves that stand alone: with "u" the expression goes by code points. */
const ALONE = /[\ud800-\udfff]/gu;

/**
 * @param {AnnotationType} fromElsewhere marks changes that no person typed here
 */
export function codePoints(fromElsewhere) {
  return EditorState.transactionFilter.of((transaction) => {
    const isOwn = !transaction.annotation(ySyncAnnotation) && !transaction.annotation(fromElsewhere);
    const changes = isOwn && transaction.docChanged ? repairs(transaction) : [];
    return changes.length ? [transaction, { changes, sequential: true }] : transaction;
  });
}

/** Whether a place is between the two halves of a code point. @param {string} text @param {number} place */
export function isWithin(text, place) {
  return place > 0 && (text.codePointAt(place - 1) ?? 0) > 0xffff;
}

/**
 * What has to change after a transaction, in the text that it leaves.
 * @param {Transaction} transaction
 */
function repairs({ startState: { doc }, changes, newDoc }) {
  /** @param {number} place */
  const isParted = (place) => place > 0 && isWithin(doc.sliceString(place - 1, place + 1), 1);
  /** @type {{from: number, to: number, insert: string}[]} */
  const found = [];
  changes.iterChanges((fromA, toA, fromB, toB) => {
    const from = fromB - Number(isParted(fromA));
    const to = toB + Number(isParted(toA));
    const text = newDoc.sliceString(from, to);
    const whole = text.replaceAll(ALONE, "");
    if (to - from > toB - fromB || whole !== text) found.push({ from, to, insert: whole });
  });
  return found;
}
