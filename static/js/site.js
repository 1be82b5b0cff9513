// @ts-check
/**
 * Where this release lies, and what it may start or parse: the one Trusted Types policy.
 *
 * Everything is found from this module's own address, `<base>v/<release>/…`, so the site works under any base path.
 */

const here = new URL(".", import.meta.url);

/** The address of the site, ending with a slash. */
export const base = new URL("../../", here).href;

/** The hash that names this release. */
export const release = here.pathname.split("/").at(-2) ?? "";

const core = new URL("core.js", here).href;
const serviceWorker = new URL("sw.js", base).href;

const policy = globalThis.trustedTypes?.createPolicy("carryon", {
  createScriptURL(url) {
    if (url === core || url === serviceWorker) return url;
    throw new TypeError(`${url} is not a script of this release`);
  },
  createHTML: (html) => html,
});

// The DOM's declarations of TypeScript know strings only.
export const coreUrl = /** @type {string} */ (policy?.createScriptURL(core) ?? core);
export const serviceWorkerUrl = /** @type {string} */ (policy?.createScriptURL(serviceWorker) ?? serviceWorker);

const sanitizing = /** @type {{parseHTML?: (html: string, options: {sanitizer: object}) => Document}} */ (/** @type {unknown} */ (Document));

/**
 * Parse HTML that the core rendered into nodes; no script in it ever runs.
 * @param {string} html
 * @returns {ChildNode[]}
 */
export function parseNodes(html) {
  // The default sanitizer would drop id, class and data-*; the empty configuration drops what can run.
  const parsed = sanitizing.parseHTML
    ? sanitizing.parseHTML(html, { sanitizer: {} })
    : new DOMParser().parseFromString(/** @type {string} */ (policy?.createHTML(html) ?? html), "text/html");
  return [...parsed.body.childNodes];
}
