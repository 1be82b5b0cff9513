// @ts-check
/** The page that a test calls: hands calls to the worker, and keeps what the worker says under way. */

const worker = new Worker("worker.js", { type: "module" });
/** @type {Map<number, {resolve: (value: string) => void, reject: (error: Error) => void}>} */
const calls = new Map();
let number = 0;

/** @type {any} */ (globalThis).said = -1;
/** @type {any} */ (globalThis).call = (/** @type {string} */ name, /** @type {unknown[]} */ args) =>
  new Promise((resolve, reject) => {
    calls.set((number += 1), { resolve, reject });
    worker.postMessage({ number, name, args });
  });

worker.onmessage = ({ data }) => {
  if ("said" in data) {
    /** @type {any} */ (globalThis).said = data.said;
    return;
  }
  const { resolve, reject } = calls.get(data.number) ?? { resolve: () => {}, reject: () => {} };
  calls.delete(data.number);
  if ("error" in data) reject(new Error(data.error));
  else resolve(data.answer);
};
