/** Side by side in one process: a burst must leave connections for the acknowledgements of its own events. */
const SLOTS = 4;

let taken = 0;
const waiting: (() => void)[] = [];

/** Runs work when one of this process's few slots is free, in the order of asking. */
export async function inSlot(work: () => Promise<void>): Promise<void> {
  if (taken < SLOTS) taken += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else taken -= 1;
  }
}
