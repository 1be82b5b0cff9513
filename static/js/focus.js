// @ts-check
/**
 * Where the focus goes: to the box that the core names, and from a box to the one that its `data-next` names.
 *
 * A box is named by `data-focus`. The caret stands at the end of a line that is focused, and at the beginning of a text that is entered.
 */

/**
 * A box that a text is entered by: the editor.
 * @typedef {HTMLElement & {enter(text: string): void}} Enterable
 */

/** @param {string} target */
export function focus(target) {
  const element = named(target);
  if (!element) throw new TypeError(`nothing here is named ${target} to be focused`);
  element.focus();
  if (element instanceof HTMLInputElement) element.setSelectionRange(element.value.length, element.value.length);
}

/**
 * Go from a box into the one that it names.
 * @param {HTMLElement} box
 * @param {string} [text] is written there
 * @returns {boolean} whether there is such a one to write in
 */
export function follow(box, text = "") {
  const next = box.dataset.next ? named(box.dataset.next) : null;
  if (!next || next.hidden || !("enter" in next)) return false;
  /** @type {Enterable} */ (next).enter(text);
  return true;
}

/** @param {string} target @returns {HTMLElement | null} */
function named(target) {
  return document.querySelector(`[data-focus="${CSS.escape(target)}"]`);
}
