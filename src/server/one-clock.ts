import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { env, isProduction } from "@/env";
import { systemClock } from "@/lib/time";

/** Runs so far ahead of the machine's own clock, or stands still. */
type Saved = { aheadMs: number } | { heldAt: string };

export interface OneClock {
  now: () => Date;
  /** Stands still at an instant from now on; at the present one, when that is later. */
  hold: (at: Date) => void;
  /** Runs on from where it is. */
  release: () => void;
  /** Moves forward, and goes on as before: standing still, or running. */
  moveTo: (at: Date) => void;
}

/**
 * The clock of everything that `npm run dev` starts: one file, read anew at each look, so that no two processes ever
 * disagree. It never goes back. Written by one process at a time: the app, while the time machine moves it.
 * @throws Error in production
 */
export function oneClock(file: string): OneClock {
  if (isProduction()) throw new Error("In production the clock is the machine's own.");
  const now = () => instantOf(read(file));
  const later = (at: Date) => new Date(Math.max(at.getTime(), now().getTime()));
  const hold = (at: Date) => write(file, { heldAt: later(at).toISOString() });
  const run = (at: Date) => write(file, { aheadMs: at.getTime() - systemClock().getTime() });
  return {
    now,
    hold,
    release: () => run(now()),
    moveTo: (at) => ("heldAt" in read(file) ? hold(at) : run(later(at))),
  };
}

/** Whether there is one to be moved, and a simulated Stripe that goes along. Without loading anything of the machine. */
export function hasTimeMachine(): boolean {
  return !isProduction() && env.TOLLGATE_CLOCK !== undefined && env.STRIPE_API_URL !== undefined;
}

function instantOf(saved: Saved): Date {
  return "heldAt" in saved ? new Date(saved.heldAt) : new Date(systemClock().getTime() + saved.aheadMs);
}

/** No file yet: nobody has moved it. One that can't be read is no reason to go back in time, so it throws. */
function read(file: string): Saved {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { aheadMs: 0 };
    throw error;
  }
  return JSON.parse(text) as Saved;
}

/** In one step: whoever reads sees the old instant or the new one. */
function write(file: string, saved: Saved): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(saved));
  renameSync(`${file}.new`, file);
}
