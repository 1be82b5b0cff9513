// @ts-check
/**
 * The store port's other half: IndexedDB in four calls, none of which ever waits for Python within a transaction; and this device's key.
 *
 * 1. A record is `{v: bytes, u: second key}` under an out-of-line key; the index `u` is unique where the store asks for it.
 * 2. A commit is one strict transaction over the stores it names. It resolves on `complete` only; else nothing of it is there.
 * 3. A rejection carries its kind in `name`: `Moved`, `Exists`, `Blocked`, or the browser's own (`QuotaExceededError`,
 *    `InvalidStateError` for a connection that is lost, …).
 * 4. A connection that stands in the way of another version or a deletion closes at once.
 * 5. What was read goes over in columns, all values as one run of bytes: each buffer of its own costs Python 10 µs and more.
 */

import { deleteDB, openDB } from "idb";

/** @typedef {number | string | Uint8Array<ArrayBuffer> | Key[]} Key */
/** @typedef {{v: Uint8Array, u?: Key}} Stored */
/** @typedef {["add", string, Key | null, Uint8Array, Key | null] | ["put", string, Key, Uint8Array] | ["delete", string, Key]} Change */
/** @typedef {["expect", string, Key, Uint8Array | null] | ["present", string, Key]} Condition */
/** @typedef {import("idb").IDBPDatabase<any>} Database */
/** @typedef {{keys: Key[], uniques: (Key | null)[], lengths: number[], values: Uint8Array}} Columns records in order */
/**
 * @typedef {object} Range bounds are inclusive; `unique` and its bounds look at the second key
 * @property {Key} [lower]
 * @property {Key} [upper]
 * @property {Key} [unique]
 * @property {Key} [uniqueLower]
 * @property {Key} [uniqueUpper]
 * @property {number} [limit]
 * @property {boolean} [reverse]
 */

const BLOCKED_MS = 5_000;
const KEY_DATABASE = "carryon-device-key";

/**
 * Open a database, made if missing.
 * @param {string} name
 * @param {{name: string, auto: boolean, unique: boolean}[]} stores
 */
export function open(name, stores) {
  const opening = openDB(name, 1, {
    upgrade(database) {
      for (const { name: store, auto, unique } of stores) {
        const made = database.createObjectStore(store, { autoIncrement: auto });
        if (unique) made.createIndex("u", "u", { unique });
      }
    },
    blocking: (_current, _next, event) => /** @type {IDBDatabase} */ (event.target).close(),
  });
  return unlessBlocked(name, opening);
}

/**
 * Read a range in the order of its keys.
 * @param {Database} database
 * @param {string} store
 * @param {Range} range
 * @returns {Promise<Columns>}
 */
export async function read(database, store, range) {
  const objectStore = database.transaction(store).objectStore(store);
  const byUnique = [range.unique, range.uniqueLower, range.uniqueUpper].some((bound) => bound !== undefined);
  const source = byUnique ? objectStore.index("u") : objectStore;
  const query = byUnique ? bounds(range.unique ?? range.uniqueLower, range.unique ?? range.uniqueUpper) : bounds(range.lower, range.upper);
  if (!range.reverse) {
    const [keys, records] = await Promise.all([source.getAllKeys(query, range.limit), source.getAll(query, range.limit)]);
    return columns(keys, records);
  }
  const [keys, records] = [/** @type {IDBValidKey[]} */ ([]), /** @type {Stored[]} */ ([])];
  let cursor = await source.openCursor(query, "prev");
  while (cursor && keys.length < (range.limit ?? Infinity)) {
    keys.push(cursor.primaryKey);
    records.push(cursor.value);
    cursor = await cursor.continue();
  }
  return columns(keys, records);
}

/**
 * Look up many records at once, as of one moment; what is not there is left out.
 * @param {Database} database
 * @param {string} store
 * @param {Key[]} keys
 * @param {boolean} unique whether these are second keys
 * @returns {Promise<Columns>}
 */
export async function find(database, store, keys, unique) {
  const objectStore = database.transaction(store).objectStore(store);
  const source = unique ? objectStore.index("u") : objectStore;
  const found = await Promise.all(keys.map((key) => Promise.all([unique ? source.getKey(key) : key, source.get(key)])));
  const there = found.filter(([, record]) => record !== undefined);
  return columns(there.map(([key]) => key), there.map(([, record]) => record));
}

/**
 * Change stores in one strict transaction.
 * @param {Database} database
 * @param {(Change | Condition)[]} operations
 * @returns {Promise<Key[]>} the keys of the adds, in order
 */
export async function commit(database, operations) {
  const stores = [...new Set(operations.map(([, store]) => store))];
  const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
  const ended = transaction.done.catch((error) => error ?? new DOMException("the transaction was aborted", "AbortError"));
  // All requests are made at once and answered in order; what failed first says why.
  const results = await Promise.allSettled(operations.map((operation) => request(transaction, operation)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) {
    try {
      transaction.abort();
    } catch (error) {
      // A request that failed has ended the transaction already; a condition, or a key that is none, has not.
      if (/** @type {Error} */ (error).name !== "InvalidStateError") throw error;
    }
    const error = await ended;
    throw plain(failed.reason.name === "AbortError" ? error : failed.reason);
  }
  const error = await ended;
  if (error) throw plain(error);
  const keys = results.map((result) => (result.status === "fulfilled" ? result.value : undefined));
  return operations.flatMap(([kind], index) => (kind === "add" ? [own(keys[index])] : []));
}

/** @param {Database} database */
export function close(database) {
  database.close();
}

/** @param {string} name */
export function remove(name) {
  return unlessBlocked(name, deleteDB(name));
}

/**
 * Read what is kept as this device's key.
 * @returns {Promise<{isKept: boolean, key: unknown}>} a browser may give nothing though something is kept
 */
export function keptKey() {
  return withKeys(async (database) => {
    const { store } = database.transaction("key");
    const [name, key] = await Promise.all([store.getKey("device"), store.get("device")]);
    return { isKept: name !== undefined, key };
  });
}

/**
 * Keep a key for a moment and read it back.
 * @param {CryptoKey} key
 * @returns {Promise<unknown>} what the browser gives back; one that keeps no such object rejects with `DataCloneError`
 */
export function triedKey(key) {
  return withKeys(async (database) => {
    const name = `tried-${crypto.randomUUID()}`;
    await database.put("key", key, name);
    const back = await database.get("key", name);
    await database.delete("key", name);
    return back;
  });
}

/**
 * Keep a key as this device's unless one is kept already: another core may have been first.
 * @param {CryptoKey | Uint8Array} key
 */
export function keepKey(key) {
  return withKeys(async (database) => {
    const transaction = database.transaction("key", "readwrite", { durability: "strict" });
    const added = transaction.store.getKey("device").then((name) => name ?? transaction.store.add(key, "device"));
    await Promise.all([added, transaction.done]);
  });
}

/** @template T @param {(database: Database) => Promise<T>} use @returns {Promise<T>} */
async function withKeys(use) {
  const database = await open(KEY_DATABASE, [{ name: "key", auto: false, unique: false }]);
  try {
    return await use(database);
  } catch (error) {
    throw plain(error);
  } finally {
    database.close();
  }
}

/** @param {import("idb").IDBPTransaction<any, string[], "readwrite">} transaction @param {Change | Condition} operation */
async function request(transaction, operation) {
  const store = transaction.objectStore(operation[1]);
  switch (operation[0]) {
    case "add":
      return store.add(record(operation[3], operation[4]), operation[2] ?? undefined).catch((error) => {
        throw error.name === "ConstraintError" ? failure("Exists", operation) : error;
      });
    case "put":
      return store.put(record(operation[3], null), operation[2]);
    case "delete":
      return store.delete(operation[2]);
    case "expect":
      if (!same((await store.get(operation[2]))?.v ?? null, operation[3])) throw failure("Moved", operation);
      return;
    case "present":
      if ((await store.getKey(operation[2])) === undefined) throw failure("Moved", operation);
  }
}

/** @param {"Moved" | "Exists"} name @param {Change | Condition} operation */
function failure(name, [kind, store, key]) {
  return Object.assign(new Error(`${kind} in ${store}: ${name === "Moved" ? "the record has moved" : "the key is taken"}`), { name, store, key });
}

/**
 * Make an error one that Pyodide takes for an error: it does not know the class QuotaExceededError of newer browsers, and
 * who waits for a promise that such a one rejects would wait for ever.
 * @param {any} error
 */
function plain(error) {
  return error instanceof DOMException ? Object.assign(new Error(error.message || error.name), { name: error.name }) : error;
}

/** @template T @param {string} name @param {Promise<T>} work @returns {Promise<T>} */
function unlessBlocked(name, work) {
  let timer = 0;
  const blocked = new Promise((_, reject) => {
    const error = Object.assign(new Error(`the database ${name} is held open elsewhere: close the other tabs of this site`), { name: "Blocked" });
    timer = setTimeout(() => reject(error), BLOCKED_MS);
  });
  return Promise.race([work.catch((error) => Promise.reject(plain(error))), blocked]).finally(() => clearTimeout(timer));
}

/** @param {Uint8Array} value @param {Key | null} unique @returns {Stored} */
function record(value, unique) {
  return unique === null ? { v: value } : { v: value, u: unique };
}

/** @param {any[]} keys @param {Stored[]} records @returns {Columns} */
function columns(keys, records) {
  const lengths = records.map(({ v }) => v.length);
  const values = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const { v } of records) {
    values.set(v, at);
    at += v.length;
  }
  return { keys: keys.map(own), uniques: records.map(({ u }) => u ?? null), lengths, values };
}

/** IndexedDB gives binary keys back as buffers. @param {any} key @returns {Key} */
function own(key) {
  if (Array.isArray(key)) return key.map(own);
  return key instanceof ArrayBuffer ? new Uint8Array(key) : key;
}

/** @param {Key | undefined} lower @param {Key | undefined} upper */
function bounds(lower, upper) {
  if (lower !== undefined && upper !== undefined) return IDBKeyRange.bound(lower, upper);
  if (lower !== undefined) return IDBKeyRange.lowerBound(lower);
  return upper === undefined ? null : IDBKeyRange.upperBound(upper);
}

/** @param {Uint8Array | null} one @param {Uint8Array | null} other */
function same(one, other) {
  return one === other || Boolean(one && other && !indexedDB.cmp(/** @type {any} */ (one), /** @type {any} */ (other)));
}
