import { answerCreditsCsv } from "@/app/api/workspaces/[tenant]/credits.csv/answer";
import { benchCtx } from "./contenders";
import type { Scene } from "./scene";

export interface CsvResult {
  rows: number;
  firstByteMs: number;
  seconds: number;
  megabytes: number;
  /** The most that the process grew by while it was read, its reader included. */
  grownMegabytes: number;
}

/** Reads the whole file of one tenant, as the route answers it, and keeps none of it. */
export async function readCsv(scene: Scene, tenantIndex: number, key: string): Promise<CsvResult> {
  const ctx = benchCtx(scene, tenantIndex);
  const url = `${ctx.appUrl}/api/workspaces/${ctx.tenant.slug}/credits.csv`;
  const request = new Request(url, { headers: { authorization: `Bearer ${key}` } });
  const before = process.memoryUsage.rss();
  const startedAt = performance.now();
  const response = await answerCreditsCsv(ctx, request, ctx.tenant.slug, async () => null);
  if (!response.ok || !response.body) throw new Error(`The file answered ${response.status}.`);
  const read = { lines: 0, bytes: 0, firstByteMs: 0, peak: before };
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    read.firstByteMs ||= performance.now() - startedAt;
    read.bytes += chunk.byteLength;
    for (const byte of chunk) if (byte === 10) read.lines += 1;
    read.peak = Math.max(read.peak, process.memoryUsage.rss());
  }
  return {
    rows: read.lines - 1,
    firstByteMs: Math.round(read.firstByteMs),
    seconds: Math.round((performance.now() - startedAt) / 10) / 100,
    megabytes: inMegabytes(read.bytes),
    grownMegabytes: inMegabytes(read.peak - before),
  };
}

const inMegabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;
