import { world } from "@tests/support/world";
import { describe, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { forgetAnswers } from "@/server/guard/answers";
import { consume } from "@/server/quota/consume";
import { call } from "./call";
import { productOf, type Work } from "./product";
import { served } from "./served";

const { tenant, owner, ctx, clock, runtime } = await world();

let ran: string[] = [];
const works: Record<string, Work> = {
  answer: ({ input, quota }) => {
    ran.push(input.order);
    return { ran: ran.length, at: clock.now(), big: 2n ** 70n, entry: quota.receipt?.entryId };
  },
  nothing: () => void ran.push(""),
  large: () => {
    ran.push("");
    return "x".repeat(70_000);
  },
  failOnce: () => {
    ran.push("");
    if (ran.length === 1) throw new AppError("NOT_FOUND", "There is none yet.");
    return "found";
  },
};
const product = productOf(works);

const used = async (of: TenantCtx, feature = "compute") => {
  const [row] =
    await owner`select used from meters where tenant_id = ${of.tenant.id} and feature = ${feature}`;
  return Number(row!.used);
};
const keyed = (key: string) => ({ "idempotency-key": key });
const ask = (as: TenantCtx, path: string, key: string | null, input: Record<string, unknown> = {}) =>
  call(as, path, { work: "answer", units: 3, ...input }, key === null ? {} : keyed(key), product);

async function newcomer(name: string): Promise<TenantCtx> {
  ran = [];
  return tenant(name);
}

describe.each(["charge", "reserve"])("%s: a repeated call", (path) => {
  test("gets the first answer again, byte for byte: it is run and charged once", async () => {
    const ada = await newcomer("ada");
    const first = await ask(ada, path, "order-66");
    clock.advance({ hours: 3 });
    const again = await ask(ada, path, "order-66");
    expect(first).toMatchObject({ status: 200, data: { ran: 1, big: 2n ** 70n } });
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(ran).toHaveLength(1);
    expect(await used(ada)).toBe(3);
  });

  test("says nothing of what is left: what the first one knew is of another time", async () => {
    const ada = await newcomer("ada");
    const first = await ask(ada, path, "a");
    await ask(ada, path, "b");
    const again = await ask(ada, path, "a");
    expect(first.headers.get("ratelimit")).toMatch(/^"compute";r=97;/);
    expect(again.headers.get("ratelimit")).toBeNull();
  });

  test("may answer nothing, and does so again", async () => {
    const ada = await newcomer("ada");
    const first = await ask(ada, path, "k", { work: "nothing" });
    const again = await ask(ada, path, "k", { work: "nothing" });
    expect(again.body).toBe(first.body);
    expect(ran).toHaveLength(1);
  });

  test("with another input is a conflict, and does nothing", async () => {
    const ada = await newcomer("ada");
    await ask(ada, path, "k", { order: "one" });
    const other = await ask(ada, path, "k", { order: "two" });
    expect([other.status, other.error?.data.appCode]).toEqual([409, "IDEMPOTENCY_CONFLICT"]);
    expect(ran).toEqual(["one"]);
    expect(await used(ada)).toBe(3);
  });

  test("after the first one failed is a new one", async () => {
    const ada = await newcomer("ada");
    expect((await ask(ada, path, "k", { work: "failOnce" })).status).toBe(404);
    expect(await ask(ada, path, "k", { work: "failOnce" })).toMatchObject({ status: 200, data: "found" });
    expect(await ask(ada, path, "k", { work: "failOnce" })).toMatchObject({ status: 200, data: "found" });
    expect(ran).toHaveLength(2);
    expect(await used(ada)).toBe(3);
  });

  test("after a denial is a new one", async () => {
    const ada = await newcomer("ada");
    await consume(ada, { feature: "compute", units: 98 });
    expect((await ask(ada, path, "k")).status).toBe(402);
    clock.advance({ days: 7 });
    expect((await ask(ada, path, "k")).status).toBe(200);
  });

  test("whose answer is too large to be kept is told so, and does nothing", async () => {
    const ada = await newcomer("ada");
    expect((await ask(ada, path, "k", { work: "large" })).status).toBe(200);
    const again = await ask(ada, path, "k", { work: "large" });
    expect([again.status, again.error?.data.appCode]).toEqual([409, "CONFLICT"]);
    expect(again.error?.data.advice).toMatch(/not kept/);
    expect(ran).toHaveLength(1);
  });

  test("a month later is told that the answer is forgotten, and does nothing", async () => {
    const ada = await newcomer("ada");
    await ask(ada, path, "k");
    clock.advance({ days: 29 });
    await forgetAnswers(ctx);
    expect((await ask(ada, path, "k")).status).toBe(200);
    clock.advance({ days: 2 });
    expect((await forgetAnswers(ctx)).answersForgotten).toBeGreaterThan(0);
    expect(await forgetAnswers(ctx)).toEqual({ answersForgotten: 0 });
    const late = await ask(ada, path, "k");
    expect([late.status, late.error?.data.appCode]).toEqual([409, "CONFLICT"]);
    expect((await ask(ada, path, "k", { order: "other" })).error?.data.appCode).toBe("IDEMPOTENCY_CONFLICT");
    expect(ran).toHaveLength(1);
  });

  test("of another workspace, another procedure or without a key is another call", async () => {
    const ada = await newcomer("ada");
    const bo = await tenant("bo");
    for (const as of [ada, bo]) expect((await ask(as, path, "k")).status).toBe(200);
    expect((await ask(ada, "other", "k")).status).toBe(200);
    for (let i = 0; i < 2; i += 1) expect((await ask(ada, path, null)).status).toBe(200);
    expect(ran).toHaveLength(5);
    expect(await used(ada)).toBe(12);
  });
});

test("twenty equal calls at once run once, and all get the one answer", async () => {
  const ada = await newcomer("ada");
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(ada, "charge", "rush")));
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
  expect(answers[0]!.status).toBe(200);
  expect(ran).toHaveLength(1);
  expect(await used(ada)).toBe(3);
});

describe("while the first call runs", () => {
  /** Work that ends when the test says so. */
  function slowWork() {
    let [end, tell] = [() => {}, () => {}];
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      tell = resolve;
    });
    let runs = 0;
    works.slow = async () => {
      runs += 1;
      const mine = runs;
      tell();
      if (mine === 1) await ended;
      return mine;
    };
    return { begun, end };
  }
  const running = [409, "IN_PROGRESS"];

  test.each(["charge", "reserve"])(
    "%s: a repeated one is told so, and gets the answer afterwards",
    async (path) => {
      const ada = await newcomer("ada");
      const { begun, end } = slowWork();
      const first = ask(ada, path, "k", { work: "slow" });
      await begun;
      const early = await ask(ada, path, "k", { work: "slow" });
      expect([early.status, early.error?.data.appCode]).toEqual(running);
      end();
      expect((await first).data).toBe(1);
      expect((await ask(ada, path, "k", { work: "slow" })).data).toBe(1);
      expect(await used(ada)).toBe(3);
    },
  );

  test("and never ends, a repeated one takes over when its time is up; what both did is charged", async () => {
    const ada = await newcomer("ada");
    const { end } = slowWork();
    expect((await ask(ada, "hasty", "k", { work: "slow" })).error?.data.appCode).toBe("TIMED_OUT");
    const early = await ask(ada, "hasty", "k", { work: "slow" });
    expect([early.status, early.error?.data.appCode]).toEqual(running);
    clock.advance({ seconds: 2 });
    expect((await ask(ada, "hasty", "k", { work: "slow" })).data).toBe(2);
    end();
    await expect.poll(() => used(ada)).toBe(6);
    expect((await ask(ada, "hasty", "k", { work: "slow" })).data).toBe(2);
  });
});

test.each(["ends", "fails"])(
  "a first call that %s late leaves the claim to the one that took over",
  async (late) => {
    const ada = await newcomer("ada");
    const ends: (() => void)[] = [];
    works.each = async () => {
      const mine = ends.length + 1;
      await new Promise<void>((resolve) => ends.push(resolve));
      if (mine === 1 && late === "fails") throw new AppError("NOT_FOUND", "Too late.");
      return mine;
    };
    const repeat = () => ask(ada, "hasty", "k", { work: "each" });
    expect((await repeat()).error?.data.appCode).toBe("TIMED_OUT");
    clock.advance({ seconds: 2 });
    const second = repeat();
    await expect.poll(() => ends.length).toBe(2);
    ends[0]!();
    const settled = async () =>
      (await owner`select status from holds where tenant_id = ${ada.tenant.id} order by id`)[0]!.status;
    await expect.poll(settled).toBe(late === "ends" ? "committed" : "released");
    expect((await repeat()).error?.data.appCode).toBe("IN_PROGRESS");
    ends[1]!();
    await second;
    await expect.poll(async () => (await repeat()).data).toBe(2);
  },
);

test("a batch's calls are told apart by their place in it", async () => {
  const ada = await newcomer("ada");
  const { url, headers } = await served(runtime, product, ada);
  const json = { work: "answer", units: 3 };
  const send = async () => {
    const answer = await fetch(`${url}/charge,charge?batch=1`, {
      method: "POST",
      headers: { ...headers, ...keyed("batch-1"), "content-type": "application/json" },
      body: JSON.stringify({ 0: { json }, 1: { json } }),
    });
    return [answer.status, await answer.text()];
  };
  const first = await send();
  expect(first[0]).toBe(200);
  expect(await send()).toEqual(first);
  expect(ran).toHaveLength(2);
  expect(await used(ada)).toBe(6);
});

test("a policy's own key names the work, whatever key the caller sends along", async () => {
  const ada = await newcomer("ada");
  const first = await ask(ada, "order", "a", { order: "Bestellung Nr. 7 – für Ada" });
  const again = await ask(ada, "order", "b", { order: "Bestellung Nr. 7 – für Ada" });
  const other = await ask(ada, "order", "b", { order: "Bestellung Nr. 8 – für Ada" });
  expect(again.body).toBe(first.body);
  expect(other.status).toBe(200);
  expect(ran).toHaveLength(2);
});

describe("the Idempotency-Key header", () => {
  test("is a quoted string or a bare one, of any length", async () => {
    const ada = await newcomer("ada");
    const long = "k".repeat(500);
    for (const key of ["a1", '"a1"', long, `"${long}"`, '"two words"', '"a \\"quote\\" \\\\"'])
      expect((await ask(ada, "charge", key)).status).toBe(200);
    expect(ran).toHaveLength(4);
  });

  test.each(["", " ", '"', '""', '"open', 'a"b', '"a" "b"', "two words", "schlüssel"])(
    "%j is refused, and nothing is done",
    async (key) => {
      const ada = await newcomer("ada");
      const answer = await ask(ada, "charge", key);
      expect([answer.status, answer.error?.data.appCode]).toEqual([400, "INVALID_INPUT"]);
      expect(ran).toHaveLength(0);
      expect(await used(ada)).toBe(0);
    },
  );

  test("stands in for a key that a call of the gate leaves out", async () => {
    const ada = await newcomer("ada");
    const asked = { feature: "compute", units: 4 };
    const first = await call(ada, "quota.consume", asked, keyed('"k"'));
    const again = await call(ada, "quota.consume", { ...asked, key: "k" });
    expect(first.data).toMatchObject({ replayed: false });
    expect(again.data).toMatchObject({ replayed: true });
    expect(await used(ada)).toBe(4);
  });
});

test("a charge that can't be made leaves no claim behind", async () => {
  const ada = await newcomer("ada");
  await ask(ada, "charge", "k", { work: "failOnce" });
  await ask(ada, "reserve", "k", { work: "failOnce" });
  const [left] =
    await owner`select count(*)::int as n from answers where tenant_id = ${ada.tenant.id} and answered_at is null`;
  expect(left).toEqual({ n: 0 });
});
