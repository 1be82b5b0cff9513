// @ts-check
/**
 * What only a window can do, done when the core asks for it; each call is answered with a word or with what went wrong.
 */

/** @typedef {import("./messages").Call} Call */

const DOWNLOAD_KEPT_MS = 60_000;

/**
 * @param {Call} call
 * @param {() => void} takeOver lets the waiting release in
 * @param {import("./keeper.js").Keeper} keeper
 * @returns {Promise<string>}
 */
export async function perform({ name, args }, takeOver, keeper) {
  switch (name) {
    case "download":
      return download(String(args.name), String(args.media), /** @type {Uint8Array<ArrayBuffer>} */ (args.bytes));
    case "copy":
      await navigator.clipboard.writeText(String(args.text));
      return "";
    case "focus":
      await keeper.land(String(args.target), String(args.note));
      return "";
    case "stay":
      keeper.stay(String(args.note));
      return "";
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
