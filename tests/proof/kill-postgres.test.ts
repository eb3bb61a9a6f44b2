import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { seed } from "@tests/support/seed";
import { withLogin } from "@tests/support/urls";
import { afterAll, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { ensureDatabase, removeEmbeddedPostgres, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { verifyBooks } from "@/server/ledger/books";
import { insist, loadStep } from "./load";
import { proofPrices } from "./model/prices";
import { runs, TIMEOUT_MS } from "./runs";
import { newTenant, openStage } from "./stage";

const LANES = 24;
const dir = path.join(os.tmpdir(), `tollgate-kill-${process.pid}`);
const server = await startEmbeddedPostgres({ dir, durable: true });
const ownerUrl = await ensureDatabase(server.ownerUrl, "kill");
await migrate({ ownerUrl, appUrl: withLogin(ownerUrl) });
const stage = openStage({ appUrl: withLogin(ownerUrl), ownerUrl }, proofPrices);

afterAll(async () => {
  await stage.close();
  await removeEmbeddedPostgres(dir);
  await rm(dir, { recursive: true, force: true });
});

interface Answered {
  ctx: TenantCtx;
  lane: number;
  n: number;
  made: string | null;
}

test(`${runs.postgresKills} times kill -9 of PostgreSQL under load: whatever was answered is there, exactly once`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const now = () => new Date();
  const cast = [await newTenant(stage, now), await newTenant(stage, now), await newTenant(stage, now)];
  const answered: Answered[] = [];
  let stop = false;
  const lane = async (number: number) => {
    for (let n = 0; !stop; n += 1) {
      const ctx = cast[number % cast.length]!;
      const made = await insist(() => loadStep("load", number, n).run(ctx));
      answered.push({ ctx, lane: number, n, made });
    }
  };
  const lanes = Array.from({ length: LANES }, (_, number) => lane(number));
  for (let kill = 0; kill < runs.postgresKills; kill += 1) {
    const enough = answered.length + 100 + ((seed + kill * 7_919) % 100);
    await expect.poll(() => answered.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(enough);
    process.kill(server.pid()!, "SIGKILL");
    await expect.poll(startedAgain, { timeout: 30_000, interval: 5 }).toBe("started");
  }
  stop = true;
  await Promise.all(lanes);

  expect(await lost(answered)).toEqual([]);
  expect(await verifyBooks(cast[0]!)).toEqual([]);
});

/** One that still dies may be taken for one that runs: it does not answer then, and is looked for again. */
function startedAgain(): Promise<string> {
  return startEmbeddedPostgres({ dir, durable: true, port: server.port }).then(() => "started", String);
}

/** Answers that asking again does not give again. */
async function lost(answered: Answered[]): Promise<Answered[]> {
  const found: Answered[] = [];
  const left = answered.filter(({ made }) => made !== null);
  const asker = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      const { ctx, lane, n, made } = one;
      if ((await insist(() => loadStep("load", lane, n).run(ctx))) !== made) found.push(one);
    }
  };
  await Promise.all(Array.from({ length: LANES }, asker));
  return found;
}
