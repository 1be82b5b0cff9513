// @ts-check
/**
 * Take the secret out of the address bar before any other module runs.
 *
 * An invite link carries its key in the fragment, which no server sees; here it leaves the address and the history entry too.
 * This module imports nothing and is the first import of `tab.js`, so nothing of ours or of anybody else has run before it.
 */

/** The fragment with which the page was opened, without `#`; empty when there was none. */
export const fragment = location.hash.slice(1);

if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
