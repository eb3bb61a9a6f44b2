import { business } from "@tests/entitlements/business";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { createTollgate } from "@/client/tollgate-client";
import { createApiKey } from "@/server/accounts/api-keys";
import { openLine } from "./line";

const sessions = { kind: "lease", name: "Sessions", heartbeatSeconds: 60 } as const;
const { tenant, runtime, clock } = await world({
  prices: business({ sessions }, { free: { sessions: 1 } }),
});
const line = await openLine(runtime);
/** Of this test's own business, which the compiler doesn't know. */
const feature = "sessions" as "compute";

test("what runs is taken once though the answer got lost, kept alive, and makes room when it ends", async () => {
  const { key } = await createApiKey(await tenant("ada"), { name: "service" });
  const { leases, status } = createTollgate({ url: line.url, apiKey: key });
  line.faults.push("lost");
  const { leaseId, replayed } = await leases.acquire({ feature });
  expect(replayed).toBe(true);
  await expect(leases.acquire({ feature })).rejects.toMatchObject({
    code: "QUOTA_EXCEEDED",
    denial: { used: 1, limit: 1 },
  });
  clock.advance({ seconds: 50 });
  await leases.heartbeat({ leaseId });
  clock.advance({ seconds: 50 });
  expect((await status()).meters).toMatchObject([{ feature: "sessions", used: 1, limit: 1 }]);
  line.faults.push("lost");
  expect(await leases.release({ leaseId })).toMatchObject({ endedBecause: "released" });
  expect((await status()).meters).toMatchObject([{ used: 0 }]);
  expect(await leases.acquire({ feature })).toMatchObject({ used: 1, replayed: false });
});
