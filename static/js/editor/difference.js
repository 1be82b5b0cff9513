// @ts-check
/**
 * What turned one text into another, as one CodeMirror change set.
 */

import { ChangeSet, Text } from "@codemirror/state";

/**
 * @param {string} before
 * @param {string} after
 * @returns {ChangeSet}
 */
export function difference(before, after) {
  const split = (/** @type {string} */ text) => Text.of(text.split("\n"));
  if (before === after) return ChangeSet.empty(before.length);
  // HTML knows no "\r": the text that stood in the page is the note's without them.
  if (before === after.replaceAll("\r\n", "\n")) {
    const returns = [...after.matchAll(/\r\n/g)].map(({ index }, count) => ({ from: index - count, insert: "\r" }));
    return ChangeSet.of(returns, before.length, "\n");
  }
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const insert = split(after.slice(start, after.length - end));
  return ChangeSet.of({ from: start, to: before.length - end, insert }, before.length, "\n");
}
