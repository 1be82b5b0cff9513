// P7's baseline: a note kept by Yjs with y-indexeddb, as most local-first editors of today keep it.
import { IndexeddbPersistence, storeState } from "y-indexeddb";
import * as Y from "yjs";

/** Keep a note that came as these updates, and let it be compacted as y-indexeddb does. @param {Uint8Array[]} updates */
globalThis.keep = async (updates) => {
  const doc = new Y.Doc();
  const kept = new IndexeddbPersistence("note", doc);
  await kept.whenSynced;
  for (const update of updates) Y.applyUpdate(doc, update);
  await storeState(kept, true);
  await kept.destroy();
};

/** How long it takes until the note is there as text, in ms. */
globalThis.open = async () => {
  const before = performance.now();
  const doc = new Y.Doc();
  const kept = new IndexeddbPersistence("note", doc);
  await kept.whenSynced;
  const text = doc.getText("body").toString();
  return { took: performance.now() - before, length: text.length };
};
