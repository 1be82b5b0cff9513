// What the core's host (core.js) says to a tab on its own account, before or beside the core's messages.

/** The host runs and holds this Web Lock for as long as it does. */
export interface Alive {
  type: "alive";
  lock: string;
}

/** The runtime is being fetched from the network for the first time: bytes so far. */
export interface Booting {
  type: "booting";
  bytes: number;
}

export type FromHost = Alive | Booting;
