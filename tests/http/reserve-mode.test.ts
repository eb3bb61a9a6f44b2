import { world } from "@tests/support/world";
import { describe, expect, test, vi } from "vitest";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { AppError } from "@/server/errors";
import { consume } from "@/server/quota/consume";
import { call } from "./call";
import { productOf, type Work } from "./product";
import { served } from "./served";

const { tenant, owner, runtime, clock } = await world();
const log = vi.spyOn(console, "error").mockImplementation(() => {});

const works: Record<string, Work> = {
  thirteen: ({ quota }) => quota.charge(13),
  bitByBit: ({ quota }) => {
    for (let i = 0; i < 4; i += 1) quota.charge(5);
  },
  nothing: ({ quota }) => quota.charge(0),
  silent: () => "done",
  fail: ({ quota }) => {
    quota.charge(13);
    throw new AppError("NOT_FOUND", "There is no such model.");
  },
  whatIsLeft: async ({ inTransaction, quota }) => ({
    inTransaction,
    used: quota.receipt?.used,
    seenByOthers: await used(current!),
  }),
  negative: ({ quota }) => quota.charge(-5),
  fraction: ({ quota }) => quota.charge(0.5),
  /** Ends when it is told to stop, as work should. */
  heedful: ({ quota }) => untilStopped(quota.signal),
  parts: () => ({ soon: Promise.resolve(1) }),
};
const product = productOf(works);
let current: TenantCtx | null = null;

function untilStopped(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Work that ends only when the test says so, and hears nothing. */
function deafWork(name: string): { begun: Promise<void>; end: () => void } {
  let [end, tell] = [() => {}, () => {}];
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    tell = resolve;
  });
  works[name] = async ({ quota }) => {
    tell();
    await ended;
    quota.charge(8);
    return "late";
  };
  return { begun, end };
}

async function newcomer(name: string): Promise<TenantCtx> {
  current = await tenant(name);
  return current;
}
const ask = (as: TenantCtx, path: string, work: string, input: Record<string, unknown> = {}) =>
  call(as, path, { work, units: 30, ...input }, {}, product);
const used = async (of: TenantCtx) =>
  Number(
    (await owner`select used from meters where tenant_id = ${of.tenant.id} and feature = 'compute'`)[0]!.used,
  );
const holds = async (of: TenantCtx) =>
  (await owner`select status from holds where tenant_id = ${of.tenant.id} order by id`).map(({ status }) =>
    String(status),
  );
const operations = async (of: TenantCtx) =>
  (
    await owner`select operation from entries where tenant_id = ${of.tenant.id} and feature = 'compute' and operation <> 'grant' order by id`
  ).map(({ operation }) => String(operation));

describe("what is charged", () => {
  test.each([
    ["what the call says it used, and the rest goes back", "thirteen", 13],
    ["what it says bit by bit, added up", "bitByBit", 20],
    ["nothing, when it says so", "nothing", 0],
    ["what was set aside, when it says nothing", "silent", 30],
  ])("is %s", async (_what, work, units) => {
    const ada = await newcomer("ada");
    const answer = await ask(ada, "reserve", work);
    expect(answer.status).toBe(200);
    expect(await used(ada)).toBe(units);
    expect(answer.headers.get("ratelimit")).toMatch(new RegExp(`^"compute";r=${100 - units};t=\\d+$`));
  });

  test("is more than was set aside while that is left, and by the policy's rule when it isn't", async () => {
    const ada = await newcomer("ada");
    expect((await ask(ada, "reserve", "thirteen", { units: 5 })).status).toBe(200);
    expect(await used(ada)).toBe(13);
    await consume(ada, { feature: "compute", units: 80 });
    expect((await ask(ada, "reserve", "thirteen", { units: 5 })).status).toBe(200);
    expect(await used(ada)).toBe(98);
    expect((await ask(ada, "generous", "thirteen", { units: 1 })).status).toBe(200);
    expect(await used(ada)).toBe(100);
    const settled =
      await owner`select units, uncharged_units from entries where tenant_id = ${ada.tenant.id} and operation = 'commit' order by id`;
    expect(settled.map((row) => [Number(row.units), Number(row.uncharged_units)])).toEqual([
      [13, 0],
      [13, 8],
      [13, 11],
    ]);
  });

  test("is nothing when the call fails, whatever it said before", async () => {
    const ada = await newcomer("ada");
    const answer = await ask(ada, "reserve", "fail");
    expect([answer.status, answer.error?.data.appCode]).toEqual([404, "NOT_FOUND"]);
    expect(await used(ada)).toBe(0);
    expect(await operations(ada)).toEqual(["hold", "release"]);
    expect(answer.headers.get("ratelimit")).toMatch(/^"compute";r=100;/);
  });

  test.each(["negative", "fraction", "parts"])(
    "is nothing when the procedure is at fault (%s)",
    async (work) => {
      const ada = await newcomer("ada");
      expect((await ask(ada, "reserve", work)).status).toBe(500);
      expect(await used(ada)).toBe(0);
      expect(await holds(ada)).toEqual(["released"]);
    },
  );
});

test("units are set aside before the work begins, which runs outside of any transaction", async () => {
  const ada = await newcomer("ada");
  const { data } = await ask(ada, "reserve", "whatIsLeft");
  expect(data).toEqual({ inTransaction: false, used: 30, seenByOthers: 30 });
});

test("the work is outside of its caller's transaction too, and what it used is charged whatever becomes of that one", async () => {
  const ada = await newcomer("ada");
  const undone = inTenant(ada, async (_tx, inner) => {
    expect((await ask(inner, "reserve", "whatIsLeft")).data).toMatchObject({ inTransaction: false });
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect(await used(ada)).toBe(30);
});

test("what is not there is not begun: 402, and nothing is set aside", async () => {
  const ada = await newcomer("ada");
  await consume(ada, { feature: "compute", units: 90 });
  const answer = await ask(ada, "reserve", "silent");
  expect(answer.error?.data).toMatchObject({
    appCode: "QUOTA_EXCEEDED",
    denial: { feature: "compute", reason: "no_credits", used: 90, limit: 100, missing: 20 },
  });
  expect(answer.headers.get("ratelimit")).toMatch(/^"compute";r=10;/);
  expect(await holds(ada)).toEqual([]);
});

test("input that is not valid sets nothing aside", async () => {
  const ada = await newcomer("ada");
  for (const input of [{ units: 0 }, { units: -1 }, { units: "30" }, { more: 1 }])
    expect((await ask(ada, "reserve", "silent", input)).status).toBe(400);
  expect(await operations(ada)).toEqual([]);
});

test("calls at once set aside exactly as much as there is", async () => {
  const ada = await newcomer("ada");
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(ada, "reserve", "silent")));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(await used(ada)).toBe(90);
});

describe("the time-out", () => {
  test("stops the work and gives back what was set aside", async () => {
    const ada = await newcomer("ada");
    const answer = await ask(ada, "hasty", "heedful");
    expect([answer.status, answer.error?.data.appCode]).toEqual([504, "TIMED_OUT"]);
    await expect.poll(() => holds(ada)).toEqual(["released"]);
    expect(await used(ada)).toBe(0);
  });

  test("of work that goes on all the same: it is charged when it ends", async () => {
    const ada = await newcomer("ada");
    const { end } = deafWork("deaf");
    expect((await ask(ada, "hasty", "deaf")).error?.data.appCode).toBe("TIMED_OUT");
    expect(await holds(ada)).toEqual(["open"]);
    end();
    await expect.poll(() => holds(ada)).toEqual(["committed"]);
    expect(await used(ada)).toBe(8);
  });

  test("frees what never ends for whoever needs it", async () => {
    const ada = await newcomer("ada");
    const { end } = deafWork("endless");
    await ask(ada, "hasty", "endless", { units: 90 });
    expect((await ask(ada, "reserve", "silent")).status).toBe(402);
    clock.advance({ seconds: 2 });
    expect((await ask(ada, "reserve", "silent", { units: 80 })).status).toBe(200);
    end();
    await expect.poll(async () => (await holds(ada))[0]).toBe("committed");
    expect(await used(ada)).toBe(88);
  });
});

describe("a caller that hangs up", () => {
  const hangUp = async (as: TenantCtx, work: string, begun: Promise<void>) => {
    const { url, headers } = await served(runtime, product, as);
    const caller = new AbortController();
    const answer = fetch(`${url}/reserve`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ json: { work, units: 30 } }),
      signal: caller.signal,
    });
    await begun;
    caller.abort();
    await expect(answer).rejects.toThrow();
  };

  test("stops the work, and what was set aside goes back", async () => {
    const ada = await newcomer("ada");
    let tell = () => {};
    const begun = new Promise<void>((resolve) => {
      tell = resolve;
    });
    works.stoppable = ({ quota }) => {
      tell();
      return untilStopped(quota.signal);
    };
    await hangUp(ada, "stoppable", begun);
    await expect.poll(() => holds(ada)).toEqual(["released"]);
    expect(await used(ada)).toBe(0);
  });

  test("gets nothing for free: work that is carried out all the same is charged", async () => {
    const ada = await newcomer("ada");
    const { begun, end } = deafWork("unstoppable");
    await hangUp(ada, "unstoppable", begun);
    end();
    await expect.poll(() => holds(ada)).toEqual(["committed"]);
    expect(await used(ada)).toBe(8);
  });
});

test("what was done is charged although the database went away meanwhile", async () => {
  const ada = await newcomer("ada");
  works.killing = async ({ quota }) => {
    await owner`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'app_login'`;
    quota.charge(13);
  };
  expect((await ask(ada, "reserve", "killing")).status).toBe(200);
  expect(await used(ada)).toBe(13);
});

test("an entry says which procedure it was made by", async () => {
  const ada = await newcomer("ada");
  await ask(ada, "reserve", "silent");
  const [hold] =
    await owner`select properties from entries where tenant_id = ${ada.tenant.id} and operation = 'hold'`;
  expect(hold).toEqual({ properties: { procedure: "reserve" } });
});

test("only what nobody foresaw is logged", () => {
  const logged = log.mock.calls.map(([line]) => String(line)).filter((line) => !line.includes("guarded"));
  expect(logged).toEqual([]);
});
