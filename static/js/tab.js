// @ts-check
/**
 * A tab: a terminal of the core. It shows regions, hosts the editor, reports events, and decides nothing.
 */

import { fragment } from "./fragment.js";

import { freshId } from "./arguments.js";
import { listen } from "./actions.js";
import { perform } from "./calls.js";
import { Connection } from "./connection.js";
import { settle } from "./focus.js";
import { Keeper } from "./keeper.js";
import { ListWindow } from "./listwindow.js";
import { morph } from "./morph.js";
import { LateWords, notice, progress } from "./notice.js";
import { painted } from "./paint.js";
import { followReleases, holdRelease, sweep, takeOver } from "./release.js";
import { base } from "./site.js";
import { Unsaved } from "./unsaved.js";

/** @typedef {import("./messages").ToTab} ToTab */
/** @typedef {import("./messages").Hello} Hello */
/** @typedef {import("./messages").Regions} Regions */
/** @typedef {import("./host").FromHost} FromHost */

const DRAIN_MS = 2_000;

const root = document.documentElement;
const tab = freshId();
const client = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
const opened = location.search;

/** @type {import("./editor.js").Desk | undefined} */
let desk;
const late = new LateWords();
const unsaved = new Unsaved(base, root, (message) => connection.post(message), (isLate) => late.tell(isLate));
const keeper = new Keeper((box, on) => unsaved.typing(box, on), give);
const fields = listen(unsaved, keeper);
const listWindow = new ListWindow((first, rows) => connection.post({ type: "scrolled", first, rows }));
/** Why the last core failed. */
let fault = "";
const connection = new Connection(hello, receive, (state) => {
  root.dataset.core = state === "stopped" ? "failed" : "starting";
  notice(state === "stopped" ? "stopped" : "", state === "stopped" ? fault : "");
});

/** @type {Promise<void> | undefined} */
let drawn;

start();

function start() {
  const lacking = !isSecureContext ? "insecure" : !(globalThis.Worker && navigator.locks && globalThis.indexedDB) ? "unsupported" : "";
  if (lacking) {
    root.dataset.core = "failed";
    return notice(lacking);
  }
  // Whoever comes for the first time sees what is going on before it goes on.
  if (navigator.serviceWorker && !navigator.serviceWorker.controller) return void painted().then(begin);
  begin();
}

function begin() {
  // A core takes longer to start than anything else here.
  performance.mark("core asked for");
  connection.start();
  listWindow.lay();
  holdRelease();
  drawn = import("./editor.js").then((editor) => {
    desk = editor.start(client, (message) => void unsaved.send(message), (thing, on) => unsaved.typing(thing, on));
  });
  // The shortcut of the installed app; once, whatever is reloaded later.
  if (location.search === "?new") {
    history.replaceState(null, "", base);
    const nonce = freshId();
    keeper.wait({ notebook: "", note: nonce });
    unsaved.send({ type: "act", notebook: "", nonce, name: "note.create", args: {}, files: [] });
  }
  connection.greet();
  followReleases(() => connection.post({ type: "waiting" }), replace);
  listenToWindow();
}

/** @returns {Hello} */
function hello() {
  const { language, onLine: online } = navigator;
  const { note, vector } = desk?.open ?? { note: null, vector: null };
  // The secret belongs to the address with which it came, and goes with each hello until that one is left.
  const place = { query: location.search, fragment: location.search === opened ? fragment : "", rows: listWindow.rows };
  const person = { language, offset: -new Date().getTimezoneOffset(), online, visible: isVisible() };
  return { type: "hello", tab, client, note, vector, pending: unsaved.pending(), unkept: unsaved.unkept, ...place, ...person };
}

/** @param {ToTab | FromHost} message */
function receive(message) {
  switch (message.type) {
    case "alive":
      return;
    case "booting":
      return progress(message.bytes);
    case "ready":
      root.dataset.core = message.state;
      performance.mark(`core ${message.state}`);
      if (message.state === "failed") fault = message.words;
      notice(message.state === "failed" ? "failed" : "", message.words);
      if (message.state === "ready") {
        unsaved.told();
        sweep();
      }
      return;
    case "regions":
      return show(message);
    case "bind":
      return withDesk((present) => present.bind(message));
    case "update":
      return withDesk((present) => present.update(message));
    case "saved":
    case "dropped":
      fields.answered(message.seq);
      unsaved.answered(message.seq);
      return;
    case "located":
      return locate(message.query, message.replace);
    case "call":
      perform(message, takeOver, keeper).then(
        (value) => connection.post({ type: "answered", call: message.call, ok: true, value }),
        (error) => connection.post({ type: "answered", call: message.call, ok: false, value: String(error) }),
      );
  }
}

/** Messages keep their order while the editor is still being loaded. @param {(present: NonNullable<typeof desk>) => void} use */
function withDesk(use) {
  if (desk) return use(desk);
  drawn?.then(() => desk && use(desk));
}

/** Give a note its words without its boxes. @param {import("./keeper.js").Press} press @param {string} title @param {string} body */
function give({ notebook, note }, title, body) {
  if (title) unsaved.send({ type: "act", notebook, nonce: freshId(), name: "note.rename", args: { note, value: title }, files: [] });
  if (!body) return;
  const written = Symbol(note);
  unsaved.typing(written, true);
  withDesk((present) => {
    present.give(notebook, note, body);
    unsaved.typing(written, false);
  });
}

/** @param {Regions} message */
function show({ notebook, regions, title, place, pane }) {
  late.restore();
  for (const [name, html] of Object.entries(regions)) {
    const region = document.querySelector(`[data-region="${name}"]`);
    if (region) morph(region, html, fields);
  }
  document.title = title;
  root.dataset.notebook = notebook;
  root.dataset.place = place;
  const isOtherPane = root.dataset.pane !== pane;
  root.dataset.pane = pane;
  late.apply();
  settle(isOtherPane);
  if (isOtherPane || "list" in regions) listWindow.lay();
}

/** @param {string} query @param {boolean} inPlace */
function locate(query, inPlace) {
  if (query === location.search) return;
  const address = base + query;
  if (inPlace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

function isVisible() {
  return document.visibilityState === "visible";
}

function listenToWindow() {
  addEventListener("popstate", () => connection.post({ type: "navigated", query: location.search }));
  const presence = () => connection.post({ type: "presence", visible: isVisible(), online: navigator.onLine });
  addEventListener("online", presence);
  addEventListener("offline", presence);
  document.addEventListener("visibilitychange", () => {
    // A hidden page may be ended without another word.
    if (!isVisible()) keep();
    presence();
  });
  addEventListener("pagehide", () => {
    keep();
    connection.post({ type: "bye" });
  });
  addEventListener("beforeunload", (event) => {
    flush();
    // What finds no room to be kept, or is in no message yet, is lost with the page: the person may still stay.
    if (!unsaved.spill() || desk?.holdsWords) event.preventDefault();
  });
  addEventListener("pageshow", (event) => {
    if (/** @type {PageTransitionEvent} */ (event).persisted) connection.open();
  });
}

function keep() {
  flush();
  unsaved.spill();
}

/** Send what is typed and not sent. */
function flush() {
  fields.flushAll();
  keeper.settle();
}

/** A new release has taken over: load it, with what the core has not saved by then. */
function replace() {
  flush();
  const end = performance.now() + DRAIN_MS;
  const wait = () => {
    if (unsaved.empty || performance.now() > end) return location.reload();
    setTimeout(wait, 20);
  };
  wait();
}
