import { availableParallelism } from "node:os";

/** What one run of the proof suite does: short with every test run, long by `npm run proof -- --long`. */
interface Runs {
  histories: number;
  creditHistories: number;
  interleavings: number;
  appKills: number;
  postgresKills: number;
  lostAnswers: number;
  /** Ways to tell a story's events, each with repeats and gaps. */
  tellings: number;
  /** Of the moments that they may begin at, each first of so many. */
  checkpointStep: number;
  /** Of the places where each act of billing may die, about so many. */
  crashes: number;
}

const SHORT: Runs = {
  histories: 500,
  creditHistories: 500,
  interleavings: 500,
  appKills: 10,
  postgresKills: 10,
  lostAnswers: 40,
  tellings: 20,
  checkpointStep: 4,
  crashes: 5,
};
const LONG: Runs = {
  histories: 10_000,
  creditHistories: 5_000,
  interleavings: 5_000,
  appKills: 500,
  postgresKills: 500,
  lostAnswers: 2_000,
  tellings: 1_000,
  checkpointStep: 1,
  crashes: 100_000,
};

export const runs: Runs = process.env.PROOF_LONG === "1" ? LONG : SHORT;

/** Histories at the same time, each lane in a database of its own. */
export const LANES = Math.max(2, Math.min(8, availableParallelism() + 1));

/** fast-check's path to one failing case below the seed: only that case runs. */
export const path = process.env.PROOF_PATH;

/** Far more than any of it takes on a slow machine. */
export const TIMEOUT_MS = process.env.PROOF_LONG === "1" ? 6 * 3_600_000 : 900_000;
