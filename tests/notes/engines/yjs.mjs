// The Yjs side of the differential test: answers the requests that pycrdt_engine.py describes, one JSON list a line.
import { createInterface } from "node:readline";
import * as Y from "yjs";

/** @type {Map<string, Y.Doc>} */
const documents = new Map();
/** Texts known without asking: reading a long text out of a document takes longer than editing it. */
const texts = new Map();
const encoded = (bytes) => Buffer.from(bytes).toString("base64");
const decoded = (text) => new Uint8Array(Buffer.from(text, "base64"));
const NOTHING = encoded(new Uint8Array([0, 0]));

function make(name, client) {
  const document = new Y.Doc({ gc: true });
  document.clientID = client;
  documents.set(name, document);
  texts.delete(name);
  return document;
}

/** Makes one transaction and returns its update; empty when there was nothing to do. */
function written(document, transact) {
  let update = "";
  const listen = (bytes) => (update = encoded(bytes));
  document.once("update", listen);
  document.transact(transact);
  document.off("update", listen);
  return update === NOTHING ? "" : update;
}

/** Replaces code points; Yjs counts UTF-16 units. */
function patch(name, start, cut, text) {
  const document = documents.get(name);
  const body = document.getText("body");
  const before = texts.get(name) ?? body.toString();
  const unit = unitOf(before, start);
  const length = unitOf(before, start + cut) - unit;
  if (!length && !text) return "";
  texts.set(name, before.slice(0, unit) + text + before.slice(unit + length));
  return written(document, () => {
    if (length) body.delete(unit, length);
    if (text) body.insert(unit, text);
  });
}

function unitOf(text, point) {
  return /[\ud800-\udfff]/.test(text) ? [...text].slice(0, point).join("").length : point;
}

function setField(document, name, value, counter) {
  const fields = document.getMap("fields");
  const keys = [...fields.keys()].filter((key) => key.startsWith(`${name}/`));
  if (keys.length === 1 && fields.get(keys[0]) === value) return "";
  return written(document, () => {
    for (const key of keys) fields.delete(key);
    fields.set(`${name}/${document.clientID}.${counter}`, value);
  });
}

function answer([verb, name, ...rest]) {
  if (verb === "new") return void make(name, rest[0]);
  if (verb === "load") return void Y.applyUpdate(make(name, rest[0]), decoded(rest[1]));
  const document = documents.get(name);
  const body = document.getText("body");
  switch (verb) {
    case "drop":
      document.destroy();
      documents.delete(name);
      return null;
    case "splice": {
      const points = [...body.toString()];
      const start = Math.floor((rest[0] * (points.length + 1)) / 65536);
      return patch(name, start, Math.min(rest[1], points.length - start), rest[2]);
    }
    case "patch":
      return patch(name, ...rest);
    case "field":
      return setField(document, ...rest);
    case "apply":
      texts.delete(name);
      Y.applyUpdate(document, decoded(rest[0]));
      return Boolean(document.store.pendingStructs || document.store.pendingDs);
    case "text":
      return body.toString();
    case "fields":
      return Object.fromEntries(Object.entries(document.getMap("fields").toJSON()).sort());
    case "state":
      return encoded(Y.encodeStateAsUpdate(document));
    default:
      throw new Error(`no such request: ${verb}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers = JSON.parse(line).map((request) => answer(request) ?? null);
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
