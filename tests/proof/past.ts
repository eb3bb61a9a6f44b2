import type { History, Step } from "./model/steps";
import type { Wish } from "./model/wishes";

const inUtc = (steps: Step[]): History => ({
  timeZone: "UTC",
  startMs: Date.parse("2026-03-02T09:00:00.000Z"),
  steps,
});
const call = (...wishes: Wish[]): Step => ({ do: "at once", wishes });
const toTheEdge: Step = { do: "wait for an edge", at: 0, besideMs: 0 };

const held = (units: number): Wish => ({
  do: "reserve",
  feature: "calls",
  units,
  seconds: 60,
  overflow: "overflow",
});

/** Histories that once parted the engine from its model, shrunk. Played first, for ever. */
export const pastHistories: { what: string; history: History }[] = [
  {
    what: "a replayed reservation that said it expires later than it does",
    history: inUtc([
      call({ do: "reserve", feature: "compute", units: 1, key: "k1", seconds: 60, overflow: "reject" }),
      toTheEdge,
      call({ do: "again", at: 0 }),
    ]),
  },
  {
    what: "a commit above its hold that met two limits and drew nothing",
    history: inUtc([
      call({ do: "reserve", feature: "compute", units: 1, seconds: 60, overflow: "overflow" }),
      call({ do: "commit", at: 0, units: 62 }),
    ]),
  },
  {
    what: "a refund that rolled its window, kept the leftover and granted anew under one id",
    history: inUtc([
      call({ do: "consume", feature: "messages", units: 1 }),
      toTheEdge,
      call({ do: "refund", at: 0, key: "k1", lapsed: "regrant" }),
    ]),
  },
  {
    what: "a refund by a server whose clock is behind, unseen by the next one",
    history: inUtc([
      call({ do: "consume", feature: "compute", units: 20 }),
      call({ do: "consume", feature: "compute", units: 10 }),
      { do: "wait", ms: -40 },
      call({ do: "refund", at: 0, key: "k1" }),
      call({ do: "refund", at: 0, key: "k2" }),
    ]),
  },
  {
    what: "a check that gave back a hold which the call itself left alone",
    history: inUtc([
      call(
        { do: "reserve", feature: "compute", units: 1, seconds: 60, overflow: "reject" },
        { do: "reserve", feature: "compute", units: 1, seconds: 60, overflow: "reject" },
      ),
      call({ do: "override", feature: "compute", limit: 0, expiresInMs: 3_600_000 }),
      { do: "wait", ms: 3_600_000 },
      call({ do: "check", feature: "compute", units: 1 }),
    ]),
  },
  {
    what: "a check beside a roll, which names no lot that the roll makes",
    history: inUtc([
      toTheEdge,
      call(
        { do: "rollDue" },
        { do: "check", feature: "messages", units: 21 },
        { do: "consume", feature: "render", costs: { frames: 0, samples: 0 } },
      ),
    ]),
  },
  {
    what: "places outside a lower limit, which the plan's counts again when that ends by itself",
    history: inUtc([
      call({ do: "override", feature: "seats", limit: 0, expiresInMs: 3_600_000 }),
      call({ do: "recount", feature: "seats", count: 1 }),
      { do: "wait", ms: 3_600_000 },
      call({ do: "entitle", plan: "free", anchorInMs: null }),
    ]),
  },
  {
    what: "a commit past a spending cap that was passed before, which takes what is left of the allowance all the same",
    history: inUtc([
      call(...Array.from({ length: 6 }, () => held(5))),
      call({ do: "commit", at: 0, units: 40 }),
      toTheEdge,
      call(...Array.from({ length: 7 }, () => held(3))),
      call({ do: "commit", at: 0, units: 8 }),
    ]),
  },
  {
    what: "a reservation that gave back an abandoned hold and then lost its key to a refund",
    history: inUtc([
      call({ do: "grant", unit: "drafts", amount: 23, kind: "replenish", expiresInMs: 36_000_000 }),
      call({ do: "consume", feature: "drafts", units: 15 }),
      call({ do: "consume", feature: "compute", units: 1 }),
      call({ do: "reserve", feature: "drafts", units: 1, seconds: 60, overflow: "reject" }),
      toTheEdge,
      call(
        { do: "refund", at: 1, key: "k2" },
        { do: "reserve", feature: "drafts", units: 1, key: "k2", seconds: 60, overflow: "reject" },
      ),
    ]),
  },
];
