// @ts-check
/**
 * What turned the text that stood in the page into the note's: a change of whole code points in one place, then the "\r" that HTML does not
 * know.
 */

import { ChangeSet, Text } from "@codemirror/state";

import { isWithin } from "./codepoints.js";

/**
 * Carry what was typed into a text over to another one.
 * @param {ChangeSet} typed changes to `shown`
 * @param {string} shown
 * @param {string} text
 * @returns {{arrived: ChangeSet, typed: ChangeSet}} what turns the typed-in text into the other one with what was typed, and the changes to `text`
 */
export function carryOver(typed, shown, text) {
  const [moved, ends] = difference(shown, text);
  const between = typed.map(moved);
  // What was typed at the end of a line stays before its "\r".
  return { arrived: moved.map(typed, true).compose(ends.map(between)), typed: between.map(ends, true) };
}

/** @param {string} shown @param {string} text @returns {[ChangeSet, ChangeSet]} */
function difference(shown, text) {
  const plain = text.replaceAll(/\r\n?/g, "\n");
  const shorter = Math.min(shown.length, plain.length);
  let start = 0;
  while (start < shorter && shown[start] === plain[start]) start += 1;
  if (isWithin(shown, start) || isWithin(plain, start)) start -= 1;
  let end = 0;
  while (end < shorter - start && shown[shown.length - 1 - end] === plain[plain.length - 1 - end]) end += 1;
  if (isWithin(shown, shown.length - end) || isWithin(plain, plain.length - end)) end -= 1;
  const insert = Text.of(plain.slice(start, plain.length - end).split("\n"));
  return [ChangeSet.of({ from: start, to: shown.length - end, insert }, shown.length, "\n"), returns(text, plain.length)];
}

/** @param {string} text @param {number} length of it with every line end as "\n" */
function returns(text, length) {
  let pairs = 0;
  const changes = [...text.matchAll(/\r(\n?)/g)].map(({ index, 1: pair }) => {
    const from = index - pairs;
    if (pair) pairs += 1;
    return pair ? { from, insert: "\r" } : { from, to: from + 1, insert: "\r" };
  });
  return ChangeSet.of(changes, length, "\n");
}
