import type { History } from "./model/steps";

/** Histories that once parted the engine from its model, shrunk. Played first, for ever. */
export const pastHistories: History[] = [
  // A replayed reservation said that it expires later than it does.
  {
    timeZone: "UTC",
    startMs: 1_772_442_000_000,
    steps: [
      {
        do: "at once",
        wishes: [{ do: "reserve", feature: "compute", units: 1, key: "k1", seconds: 60, overflow: "reject" }],
      },
      { do: "wait for an edge", at: 0, besideMs: 0 },
      { do: "at once", wishes: [{ do: "again", at: 0 }] },
    ],
  },
  // A commit above a hold that met two limits drew nothing instead of what fits.
  {
    timeZone: "UTC",
    startMs: 1_772_442_000_000,
    steps: [
      {
        do: "at once",
        wishes: [{ do: "reserve", feature: "compute", units: 1, seconds: 60, overflow: "overflow" }],
      },
      { do: "at once", wishes: [{ do: "commit", at: 0, units: 62 }] },
    ],
  },
  // A refund that rolled its window, kept the leftover and granted anew made two entries of one id.
  {
    timeZone: "UTC",
    startMs: 1_772_442_000_000,
    steps: [
      { do: "at once", wishes: [{ do: "consume", feature: "messages", units: 1 }] },
      { do: "wait for an edge", at: 0, besideMs: 0 },
      { do: "at once", wishes: [{ do: "refund", at: 0, key: "k1", lapsed: "regrant" }] },
    ],
  },
  // Written by a server whose clock is behind, a refund was not seen by the next one.
  {
    timeZone: "UTC",
    startMs: 1_772_442_000_000,
    steps: [
      { do: "at once", wishes: [{ do: "consume", feature: "compute", units: 20 }] },
      { do: "at once", wishes: [{ do: "consume", feature: "compute", units: 10 }] },
      { do: "wait", ms: -40 },
      { do: "at once", wishes: [{ do: "refund", at: 0, key: "k1" }] },
      { do: "at once", wishes: [{ do: "refund", at: 0, key: "k2" }] },
    ],
  },
];
