export interface Sample {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  calls: number;
}

/** Keeps `inFlight` calls going for `seconds` and reports the rate and the latency of the calls that finished. */
export async function measure(
  call: (index: number) => Promise<unknown>,
  inFlight: number,
  seconds: number,
): Promise<Sample> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let next = 0;
  const worker = async () => {
    while (performance.now() < endsAt) {
      const from = performance.now();
      await call(next++);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  return {
    perSecond: latencies.length / elapsedSeconds,
    p50Ms: at(latencies, 0.5),
    p99Ms: at(latencies, 0.99),
    calls: latencies.length,
  };
}

const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** The median of each figure over the rounds: machines drift, one round proves nothing. */
export function median(samples: Sample[]): Sample {
  return {
    perSecond: middle(samples.map((s) => s.perSecond)),
    p50Ms: middle(samples.map((s) => s.p50Ms)),
    p99Ms: middle(samples.map((s) => s.p99Ms)),
    calls: samples.reduce((sum, s) => sum + s.calls, 0),
  };
}

export function middle(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, item]) => item);
}
