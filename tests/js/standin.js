/**
 * A stand-in for the core, for tests of the tab alone: it speaks the port's protocol and knows nothing of notes.
 *
 * Tests steer it over the BroadcastChannel "standin": `{id, order, …}` is answered by `{id, value}`. A tab whose address holds `slow` is
 * not greeted before the order `go`.
 */
import * as Y from "yjs";

const release = new URL(".", import.meta.url).pathname.split("/").at(-2);
const lock = `core-alive-${release}-${crypto.randomUUID()}`;
/** @type {Map<string, Y.Doc>} */
const notes = new Map();
/** @type {Map<MessagePort, object>} */
const tabs = new Map();
const heard = [];
let holds = false;
let refuses = false;
let shown = 0;

const alive = new Promise((resolve) => navigator.locks.request(lock, () => (resolve(), new Promise(() => {}))));
addEventListener("connect", ({ ports: [port] }) => take(port));
addEventListener("message", ({ ports: [port] }) => port && take(port));

function take(port) {
  alive.then(() => port.postMessage({ type: "alive", lock }));
  port.onmessage = ({ data }) => hear(port, data);
}

function hear(port, message) {
  heard.push(message);
  if (message.type === "hello") {
    tabs.set(port, message);
    for (const pending of message.pending) apply(port, pending);
    if (!message.query.includes("slow")) greet(port, message);
    if (!holds && !refuses) for (const { seq } of message.pending) port.postMessage({ type: "saved", seq });
  }
  apply(port, message);
  if (message.seq && !holds && !refuses) port.postMessage({ type: "saved", seq: message.seq });
}

function apply(port, message) {
  if (message.type !== "edit" || refuses) return;
  Y.applyUpdate(note(message.note), message.update);
  shown += 1;
  for (const other of tabs.keys()) if (other !== port) other.postMessage({ type: "update", note: message.note, update: message.update, shown });
}

function greet(port, { query, vector }) {
  port.postMessage({ type: "ready", state: "ready", words: "", release });
  const name = new URLSearchParams(query).get("note");
  if (name) open(port, name, vector);
}

function open(port, name, vector, anew = false) {
  const html = `<input aria-label="Title" data-focus="title" data-next="body" data-action="note.rename" data-note="${name}" data-rest="400" value="">
    <carryon-editor data-note="${name}" data-editable="true" data-focus="body">${escape(note(name).getText("body").toString())}</carryon-editor>`;
  port.postMessage({ type: "regions", notebook: "NB", regions: { note: html }, title: name, place: "notes", pane: "note" });
  bind(port, name, vector, anew);
}

function bind(port, name, vector, anew = false) {
  shown += 1;
  const update = Y.encodeStateAsUpdate(note(name), vector ?? undefined);
  port.postMessage({ type: "bind", notebook: "NB", note: name, update, vector: Y.encodeStateVector(note(name)), shown, anew });
}

function note(name) {
  if (!notes.has(name)) notes.set(name, new Y.Doc());
  return notes.get(name);
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const orders = {
  heard: ({ kind }) => heard.filter(({ type }) => !kind || type === kind).map((message) => JSON.parse(JSON.stringify(message))),
  say: ({ message }) => tabs.forEach((_, port) => port.postMessage(message)),
  fresh: () => crypto.randomUUID(),
  call: ({ name, args, bytes }) => {
    const call = { type: "call", call: ++shown, name, args: bytes ? { ...args, bytes: new Uint8Array(bytes) } : args };
    tabs.forEach((_, port) => port.postMessage(call));
  },
  make: ({ name, text }) => void note(name).getText("body").insert(0, text),
  open: ({ name, anew }) => tabs.forEach((_, port) => open(port, name, undefined, anew)),
  bind: ({ name }) => tabs.forEach((_, port) => bind(port, name)),
  text: ({ name }) => note(name).getText("body").toString(),
  clients: ({ name }) => [...note(name).store.clients.keys()],
  change: ({ name, find, insert }) => {
    const text = note(name).getText("body");
    const before = Y.encodeStateVector(note(name));
    const from = Math.max(0, text.toString().indexOf(find));
    note(name).transact(() => (text.delete(from, text.toString().startsWith(find, from) ? find.length : 0), text.insert(from, insert)));
    shown += 1;
    const update = Y.encodeStateAsUpdate(note(name), before);
    tabs.forEach((_, port) => port.postMessage({ type: "update", note: name, update, shown }));
  },
  hold: ({ on }) => void (holds = on),
  brought: () =>
    heard.filter(({ type }) => type === "hello").map(({ unkept, pending }) => ({ unkept, lengths: pending.map(({ args }) => args.value.length) })),
  refuse: ({ on }) => void (refuses = on),
  save: () => heard.forEach(({ seq }) => seq && tabs.forEach((_, port) => port.postMessage({ type: "saved", seq }))),
  answer: ({ type, seq }) => tabs.forEach((_, port) => port.postMessage({ type, seq })),
  go: () => tabs.forEach((hello, port) => greet(port, hello)),
  release: () => release,
  async frame({ frame }) {
    await (await caches.open("frames")).put(new URL("../../frame", import.meta.url), new Response(JSON.stringify(frame)));
  },
  die: () => void setTimeout(() => self.close()),
};

// An order may be said again before it is answered; it is carried out once.
const done = new Set();
const control = new BroadcastChannel("standin");
control.onmessage = async ({ data }) => {
  if (!data.order || done.has(data.id)) return;
  done.add(data.id);
  control.postMessage({ id: data.id, value: (await orders[data.order](data)) ?? null });
};
