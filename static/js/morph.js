// @ts-check
/**
 * Put what the core rendered into the page, so that focus, selection, scrolling and what is being typed stay.
 *
 * 1. A region is changed node by node (idiomorph); elements with an `id` are recognised by it wherever they move.
 * 2. What a person has typed into a box and the core has not answered yet is not overwritten. When the box becomes that of another
 *    thing, or goes away, what was typed is sent first.
 * 3. `style` and a dialog's `open` belong to the browser's side: the core never renders them.
 * 4. When the focused element is gone, its counterpart gets the focus (same `data-focus`, else same action with the same arguments), else
 *    its region, else, where nothing is left in that, the pane that is shown.
 */

import { Idiomorph } from "idiomorph";

import { BOXES } from "./fields.js";
import { inherit } from "./focus.js";
import { parseNodes } from "./site.js";

/**
 * What somebody is typing into, as `Fields` knows it.
 * @typedef {object} Typed
 * @property {(element: Element) => boolean} holds whether the core has not answered what is typed in it
 * @property {(element: Element) => void} flush send now what was typed
 * @property {(element: Element) => string} key which thing's box it is
 */

/**
 * @param {Element} region
 * @param {string} html its new inner HTML
 * @param {Typed} typed
 */
export function morph(region, html, typed) {
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const counterpart = focused && selectorOf(focused);
  /** @type {Set<Element>} */
  const kept = new Set();

  Idiomorph.morph(region, parseNodes(html), {
    morphStyle: "innerHTML",
    callbacks: {
      beforeNodeMorphed(old, next) {
        if (!(old instanceof Element && next instanceof Element)) return true;
        // Most of a list is as it was; only a box has a state that its markup does not tell.
        if (old.isEqualNode(next) && !old.matches(BOXES) && !old.querySelector(BOXES)) return false;
        if (!typed.holds(old)) return true;
        if (typed.key(old) === typed.key(next)) kept.add(old);
        else typed.flush(old);
        return true;
      },
      beforeNodeRemoved(node) {
        if (!(node instanceof Element)) return true;
        // One that is closed gives the focus back to where it came from; one that is only taken away does not.
        if (node instanceof HTMLDialogElement) node.close();
        for (const element of [node, ...node.querySelectorAll("[data-action]")]) if (typed.holds(element)) typed.flush(element);
        return true;
      },
      beforeAttributeUpdated(name, element) {
        if (name === "style" || (name === "open" && element instanceof HTMLDialogElement)) return false;
        return !(name === "value" && kept.has(element));
      },
    },
  });
  for (const dialog of region.querySelectorAll("dialog")) if (!dialog.open) dialog.showModal();

  if (!focused || (document.activeElement && document.activeElement !== document.body)) return;
  const heir = focused.isConnected ? focused : counterpart && region.querySelector(counterpart);
  inherit(heir || (region.childElementCount ? region : null));
}

/**
 * Describe an element so that its counterpart in a new rendering is found.
 * @param {Element} element
 */
function selectorOf(element) {
  const target = element.getAttribute("data-focus");
  if (target) return `[data-focus="${CSS.escape(target)}"]`;
  const names = element.getAttributeNames().filter((name) => name.startsWith("data-") || name === "name");
  return element.localName + names.map((name) => `[${name}="${CSS.escape(element.getAttribute(name) ?? "")}"]`).join("");
}
