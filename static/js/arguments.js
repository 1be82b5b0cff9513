// @ts-check
/**
 * What an element says about its action: the `data-*` attributes that are arguments, and the values of a form.
 */

// How an element is handled here, and not what its action is about.
const OURS = new Set(["action", "on", "rest", "key", "focus", "next", "opens"]);

/**
 * The arguments that an element itself carries.
 * @param {Element} element
 * @returns {Record<string, string>}
 */
export function argumentsOf(element) {
  const data = Object.entries(/** @type {HTMLElement} */ (element).dataset);
  return Object.fromEntries(data.flatMap(([name, value]) => (OURS.has(name) ? [] : [[name, value ?? ""]])));
}

/**
 * The value of a control as an argument; a checkbox says whether it is checked.
 * @param {Element} element
 * @returns {Record<string, string>}
 */
export function valueOf(element) {
  if (element instanceof HTMLInputElement && element.type === "checkbox") return { value: String(element.checked) };
  if (element instanceof HTMLButtonElement || !("value" in element)) return {};
  return { value: String(element.value) };
}

/**
 * The values of a form by name, with those of the button that sent it.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 * @returns {Record<string, string>}
 */
export function valuesOf(form, submitter) {
  const entries = [...new FormData(form, submitter)].filter(([, value]) => typeof value === "string");
  return /** @type {Record<string, string>} */ (Object.fromEntries(entries));
}

/**
 * The files chosen in a file box, with their paths below the chosen folder.
 * @param {HTMLInputElement} input
 */
export function filesOf(input) {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A fresh id: 128 random bits as 26 characters of Crockford base 32, like every id of the core. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
  let text = "";
  for (; text.length < 26; rest >>= 5n) text = DIGITS[Number(rest & 31n)] + text;
  return text;
}
