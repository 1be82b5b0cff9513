// @ts-check
/**
 * What a person does in the page becomes a named action for the core: one delegated listener per type of event.
 *
 * 1. Buttons and links act on click, forms on submit, boxes on change or while typing (`fields.js`), file boxes when files are chosen.
 * 2. A link acts on a plain left click only; with a modifier, or the middle button, it is a link.
 * 3. `data-key="mod+alt+n"` gives an element a shortcut: a box gets the focus, anything else is clicked. `mod` is Ctrl or Command.
 * 4. `data-opens` says that a press opens something to write in, a note that its nonce names: what is typed from then on is kept for it
 *    (`keeper.js`).
 * 5. Enter and Arrow down lead from a box with `data-next` into the one that it names. A key that is held does once what it does.
 */

import { argumentsOf, filesOf, freshId, valueOf, valuesOf } from "./arguments.js";
import { BOXES, Fields } from "./fields.js";
import { follow } from "./focus.js";

/** @typedef {import("./fields.js").Box} Box */
/** @typedef {import("./unsaved.js").Unsaved} Unsaved */

const TEXTS = 'input:not([type]), input[type="text"], input[type="search"], input[type="url"], textarea';

/**
 * Listen to everything.
 * @param {Unsaved} unsaved
 * @param {import("./keeper.js").Keeper} keeper
 * @returns {Fields}
 */
export function listen(unsaved, keeper) {
  /** @type {(name: string, args: Record<string, string>, files?: {path: string, file: File}[], nonce?: string) => number} */
  const act = (name, args, files = [], nonce = freshId()) => unsaved.send({ type: "act", notebook: notebook(), nonce, name, args, files });
  const fields = new Fields(act, (box, on) => unsaved.typing(box, on));

  document.addEventListener("click", (event) => {
    const element = actor(event);
    if (!element || element.matches(`form, ${BOXES}`)) return;
    const isLink = element.matches("a[href]");
    if (isLink && (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
    if (isLink) event.preventDefault();
    if (element.getAttribute("aria-disabled") === "true") return;
    const nonce = freshId();
    // What is being typed elsewhere is sent first.
    if ("opens" in element.dataset) keeper.wait({ notebook: notebook(), note: nonce });
    act(element.dataset.action ?? "", argumentsOf(element), [], nonce);
  });

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    event.preventDefault();
    if (form.dataset.action) act(form.dataset.action, { ...argumentsOf(form), ...valuesOf(form, event.submitter) });
  });

  document.addEventListener("input", (event) => {
    const box = actor(event);
    if (box?.matches(TEXTS)) fields.typed(/** @type {Box} */ (box));
    else if (box?.matches("form")) fields.written(/** @type {Box} */ (event.target));
  });

  document.addEventListener("change", (event) => {
    const box = actor(event);
    if (!box?.matches(BOXES)) return;
    if (box.matches(TEXTS)) return fields.changed(/** @type {Box} */ (box));
    const name = box.dataset.action ?? "";
    if (!(box instanceof HTMLInputElement && box.type === "file")) return void act(name, { ...argumentsOf(box), ...valueOf(box) });
    if (box.files?.length) act(name, argumentsOf(box), filesOf(box));
    // The same files can be chosen again.
    box.value = "";
  });

  // Escape closes a dialog by the button that says so; the core decides whether it closes.
  document.addEventListener("cancel", (event) => {
    if (!(event.target instanceof HTMLDialogElement)) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (event.target.querySelector('[data-key~="escape"]'))?.click();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const target = event.composedPath()[0];
    const combination = combinationOf(event);
    const writes = target instanceof HTMLElement && (target.isContentEditable || target.matches(`${TEXTS}, select`));
    if (writes && combination.length === 1) return;
    if (target instanceof HTMLElement && (combination === "enter" || combination === "arrowdown")) {
      // Held down, the Enter that has opened a note would lead on through it.
      if (target.matches("[data-next], [data-keeper]") && event.repeat && combination === "enter") return event.preventDefault();
      if (follow(target)) return event.preventDefault();
    }
    const element = /** @type {HTMLElement | null} */ (document.querySelector(`[data-key~="${CSS.escape(combination)}"]`));
    if (!element) return;
    event.preventDefault();
    if (element.matches(BOXES)) element.focus();
    else if (!event.repeat) element.click();
  });

  return fields;
}

/** The notebook that this tab shows; empty before it has been told. */
function notebook() {
  return document.documentElement.dataset.notebook ?? "";
}

/** @param {Event} event @returns {HTMLElement | null} */
function actor(event) {
  return event.target instanceof Element ? event.target.closest("[data-action]") : null;
}

/** @param {KeyboardEvent} event */
function combinationOf(event) {
  // With Alt or Shift the key is what the layout makes of it (Alt+N is a tilde on a Mac): letters and digits go by their place.
  const placed = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  const key = (modified && placed ? placed : event.key).toLowerCase();
  const shift = event.shiftKey && modified;
  return [event.ctrlKey || event.metaKey ? "mod+" : "", event.altKey ? "alt+" : "", shift ? "shift+" : "", key].join("");
}
