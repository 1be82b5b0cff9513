// @ts-check
/**
 * What only a window can do, done when the core asks for it; each call is answered with a word or with what went wrong.
 */

/** @typedef {import("./messages").Call} Call */

const DOWNLOAD_KEPT_MS = 60_000;

/**
 * @param {Call} call
 * @param {() => void} takeOver lets the waiting release in
 * @returns {Promise<string>}
 */
export async function perform({ name, args }, takeOver) {
  switch (name) {
    case "download":
      return download(String(args.name), String(args.media), /** @type {Uint8Array<ArrayBuffer>} */ (args.bytes));
    case "copy":
      await navigator.clipboard.writeText(String(args.text));
      return "";
    case "focus":
      return focus(String(args.target));
    case "update":
      takeOver();
      return "";
    case "persist":
      // A browser that has no such promise gives none.
      return String((await navigator.storage?.persist()) ?? false);
    default:
      throw new TypeError(`this tab knows no call named ${name}`);
  }
}

/** @param {string} name @param {string} media @param {Uint8Array<ArrayBuffer>} bytes */
function download(name, media, bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: media }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_KEPT_MS);
  return "";
}

/** @param {string} target */
function focus(target) {
  const element = /** @type {HTMLElement | null} */ (document.querySelector(`[data-focus="${CSS.escape(target)}"]`));
  if (!element) throw new TypeError(`nothing here is named ${target} to be focused`);
  element.focus();
  if (element instanceof HTMLInputElement) element.setSelectionRange(element.value.length, element.value.length);
  return "";
}
