// @ts-check
/**
 * The line to the core: one port, opened again when the core behind it has died.
 *
 * 1. The core is a SharedWorker named by its release; where there is none, a dedicated worker of this tab. Both get a port of ours.
 * 2. The core's host says `alive` with the name of a Web Lock that it holds as long as it runs. This tab asks for that lock; getting it
 *    means that the core is gone, and the tab connects again. Without `alive` within 10 s the same.
 * 3. Each opening begins with a hello. A core that failed ends, so that it is opened again like one that died. After three openings of
 *    which none led to a core that ran for a minute the connection gives up and says so.
 */

import { coreUrl, release } from "./site.js";

/** @typedef {import("./messages").ToTab} ToTab */
/** @typedef {import("./messages").FromTab} FromTab */
/** @typedef {import("./host").FromHost} FromHost */

const ALIVE_MS = 10_000;
const OPENINGS_MAX = 3;
const STEADY_MS = 60_000;

export class Connection {
  /** @type {MessagePort | null} */
  #port = null;
  /** @type {Worker | null} */
  #worker = null;
  #watch = new AbortController();
  #alive = false;
  #openings = 0;
  #timer = 0;
  #hello;
  #receive;
  #state;

  /**
   * @param {() => FromTab} hello
   * @param {(message: ToTab | FromHost) => void} receive
   * @param {(state: "starting" | "stopped") => void} state
   */
  constructor(hello, receive, state) {
    this.#hello = hello;
    this.#receive = receive;
    this.#state = state;
  }

  /** Connect, or connect again; what the old port still brings is not heard. */
  open() {
    this.start();
    this.greet();
  }

  /** Have a core that starts meanwhile; it does nothing for this tab before it is greeted. */
  start() {
    this.#close();
    if (this.#openings++ === OPENINGS_MAX) return this.#state("stopped");
    this.#state("starting");
    const port = this.#start();
    this.#port = port;
    this.#timer = setTimeout(() => this.#lost(port), ALIVE_MS);
    port.onmessage = ({ data }) => this.#take(port, data);
  }

  /** Say hello to the core that was started. */
  greet() {
    this.#port?.postMessage(this.#hello());
  }

  /** @param {FromTab} message */
  post(message) {
    this.#port?.postMessage(message);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#alive = false;
    this.#watch.abort();
    this.#port?.close();
    this.#worker?.terminate();
    this.#port = this.#worker = null;
  }

  #start() {
    const options = /** @type {const} */ ({ type: "module", name: `core-${release}` });
    if (globalThis.SharedWorker) {
      const shared = new SharedWorker(coreUrl, options);
      shared.onerror = () => this.#unstarted(shared.port);
      return shared.port;
    }
    const { port1, port2 } = new MessageChannel();
    this.#worker = new Worker(coreUrl, options);
    this.#worker.onerror = () => this.#unstarted(port1);
    this.#worker.postMessage(null, [port2]);
    return port1;
  }

  /** @param {MessagePort} port @param {ToTab | FromHost} message */
  #take(port, message) {
    if (port !== this.#port) return;
    if (message.type === "alive") this.#attend(port, message.lock);
    if (message.type === "ready") this.#steady();
    if (message.type === "released") return this.open();
    this.#receive(message);
  }

  #steady() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#openings = 0), STEADY_MS);
  }

  /** @param {MessagePort} port @param {string} lock */
  #attend(port, lock) {
    clearTimeout(this.#timer);
    this.#alive = true;
    this.#watch = new AbortController();
    const { signal } = this.#watch;
    const granted = navigator.locks.request(lock, { mode: "shared", signal }, () => this.#lost(port));
    granted.catch((error) => {
      if (!signal.aborted) throw error;
    });
  }

  // A dedicated worker reports its uncaught errors here too: those of a core that runs are its own affair.
  /** @param {MessagePort} port */
  #unstarted(port) {
    if (!this.#alive) this.#lost(port);
  }

  /** @param {MessagePort} port */
  #lost(port) {
    if (port === this.#port) this.open();
  }
}
