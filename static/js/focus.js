// @ts-check
/**
 * Where the focus goes: to the box that the core names, and from a box to the one that its `data-next` names.
 *
 * 1. A box is named by `data-focus`. The caret stands at the end of a line that is focused, and at the beginning of a text that is entered.
 * 2. What has the focus and is hidden gives it to the region that is shown in its place, and has it again when it is shown again, unless
 *    somebody has gone elsewhere meanwhile.
 */

/**
 * A box that a text is entered by: the editor.
 * @typedef {HTMLElement & {enter(text: string): void}} Enterable
 */

const REGIONS = "[data-region]";
/** In the order in which somebody is in them. */
const PANES = ["note", "list", "nav"];

/** What had the focus when it was hidden. @type {Element | null} */
let hidden = null;

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

/**
 * Go from a text back into the box that names it.
 * @param {HTMLElement} text
 * @returns {boolean} whether there is such a one
 */
export function followBack(text) {
  const box = document.querySelector(`[data-next="${CSS.escape(text.dataset.focus ?? "")}"]`);
  if (!(box instanceof HTMLInputElement)) return false;
  box.focus();
  return true;
}

/**
 * Bring the focus to something that is shown; to be called after each rendering.
 * @param {boolean} isOtherPane whether another pane is shown since
 */
export function settle(isOtherPane) {
  const active = document.activeElement ?? document.body;
  // While somebody types nothing is hidden, and to ask what is shown would lay out the page.
  if (!isOtherPane && !hidden && !active.closest("[hidden]")) return;
  const isRegion = active.matches(REGIONS);
  const isLost = !isShown(active);
  if (!isLost && !isRegion && active !== document.body) return void (hidden = null);
  if (hidden && isShown(hidden)) {
    take(hidden);
    hidden = null;
  } else if (isLost) {
    if (!isRegion) hidden = active;
    take(pane());
  }
}

/** Focus what takes the place of something that had the focus and is gone; it may be hidden. @param {Element | null} heir */
export function inherit(heir) {
  if (heir && isShown(heir)) return take(heir);
  hidden = heir;
  take(pane());
}

/** The pane that a person is in. */
function pane() {
  return PANES.map((name) => document.querySelector(`[data-region="${name}"]`)).find((each) => each && isShown(each)) ?? null;
}

/** @param {Element | null} element */
function take(element) {
  /** @type {HTMLElement | null} */ (element)?.focus({ preventScroll: true });
}

/** @param {Element} element */
function isShown(element) {
  return element.isConnected && element.getClientRects().length > 0;
}

/** @param {string} target @returns {HTMLElement | null} */
function named(target) {
  return document.querySelector(`[data-focus="${CSS.escape(target)}"]`);
}
