import { unlessAborted } from "@/lib/abort";
import type { Reservation } from "./reservation";

/** How long a stream that was stopped may take to end by itself, and to say what it used. */
const GRACE_MS = 2_000;

/**
 * Passes a stream on and settles its reservation with it: at its end what it used (as said, or else all that was set
 * aside); broken off in the middle, by whomever, what it said so far. A stream that says nothing counts as used once
 * something of it was passed on.
 */
export function meteredStream<T, R>(
  source: AsyncIterable<T, R>,
  reservation: Reservation,
): AsyncIterable<T, R> {
  const { signal } = reservation.handle;
  let begun = false;
  const neverBegun = () => {
    if (!begun) void reservation.settle({ kind: "unused" }).catch(() => {});
  };
  if (signal.aborted) neverBegun();
  signal.addEventListener("abort", neverBegun, { once: true });
  return (async function* () {
    begun = true;
    return yield* passOn(source[Symbol.asyncIterator](), reservation);
  })();
}

async function* passOn<T, R>(stream: AsyncIterator<T, R>, reservation: Reservation): AsyncGenerator<T, R> {
  const { signal } = reservation.handle;
  let passed = false;
  let ended = false;
  try {
    for (;;) {
      const step = await unlessAborted(signal, stream.next());
      if (step.done) {
        ended = true;
        await reservation.settle({ kind: "done", answer: null });
        return step.value;
      }
      passed = true;
      yield step.value;
    }
  } finally {
    if (!ended) {
      await stop(stream);
      const used = passed || reservation.said;
      // Nobody is left to be told; it was logged.
      await reservation.settle({ kind: used ? "part" : "unused" }).catch(() => {});
    }
  }
}

async function stop(stream: AsyncIterator<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise((resolve) => {
    timer = setTimeout(resolve, GRACE_MS);
  });
  await Promise.race([Promise.resolve(stream.return?.()).catch(() => {}), grace]);
  clearTimeout(timer);
}
