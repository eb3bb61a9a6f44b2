import { world } from "@tests/support/world";
import { createTRPCClient, httpBatchLink, httpBatchStreamLink } from "@trpc/client";
import superjson from "superjson";
import { describe, expect, test, vi } from "vitest";
import type { TenantCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { call } from "./call";
import { productOf, type Work } from "./product";
import { served } from "./served";

const { tenant, owner, runtime } = await world();
vi.spyOn(console, "error").mockImplementation(() => {});

let closed = 0;
const works: Record<string, Work> = {
  async *counted({ quota }) {
    for (const word of ["one", "two", "three"]) {
      quota.charge(2);
      yield word;
    }
  },
  async *silent() {
    yield "one";
    yield "two";
  },
  async *empty() {},
  async *failsFirst({ input }) {
    if (input.note === undefined) throw new AppError("NOT_FOUND", "There is no such model.");
    yield input.note;
  },
  async *failsLater({ quota }) {
    quota.charge(4);
    yield "one";
    throw new AppError("RATE_LIMITED", "The model is busy.");
  },
  /** Goes on until nobody listens any more. */
  async *endless({ quota }) {
    try {
      for (let n = 1; ; n += 1) {
        quota.charge(1);
        yield { tick: n };
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      closed += 1;
    }
  },
  async *endlessSilent() {
    for (;;) {
      yield "more";
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  /** Says something once, and then waits for a model that never answers. */
  async *stuck({ quota }) {
    quota.charge(7);
    yield "one";
    await new Promise((_resolve, reject) => {
      quota.signal.addEventListener("abort", () => reject(quota.signal.reason));
    });
  },
  /** The same, but it hears nothing. */
  async *deaf({ quota }) {
    quota.charge(7);
    yield "one";
    await new Promise(() => {});
  },
};
const product = productOf(works);

const used = async (of: TenantCtx) =>
  Number(
    (await owner`select used from meters where tenant_id = ${of.tenant.id} and feature = 'compute'`)[0]!.used,
  );
const holds = async (of: TenantCtx) =>
  (await owner`select status from holds where tenant_id = ${of.tenant.id} order by id`).map(({ status }) =>
    String(status),
  );

async function clientOf(as: TenantCtx, headers: Record<string, string> = {}) {
  const server = await served(runtime, product, as);
  const link = { url: server.url, transformer: superjson, headers: { ...server.headers, ...headers } };
  return {
    ...server,
    streaming: createTRPCClient<typeof product>({ links: [httpBatchStreamLink(link)] }),
    plain: createTRPCClient<typeof product>({ links: [httpBatchLink(link)] }),
  };
}

async function collect(stream: AsyncIterable<unknown>, seen: unknown[] = []): Promise<unknown[]> {
  for await (const value of stream) seen.push(value);
  return seen;
}

describe("a stream that is read to its end", () => {
  test.each([
    ["what it said it used", "counted", ["one", "two", "three"], 6],
    ["what was set aside, when it says nothing", "silent", ["one", "two"], 30],
    ["what was set aside, although it had nothing to say", "empty", [], 30],
  ])("is charged %s", async (_what, work, values, units) => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada);
    expect(await collect(await streaming.stream.query({ work, units: 30 }))).toEqual(values);
    expect(await used(ada)).toBe(units);
    expect(await holds(ada)).toEqual(["committed"]);
  });

  test("is charged at its end, and not before", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada);
    const stream = await streaming.stream.query({ work: "counted", units: 30 });
    const iterator = stream[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: "one" });
    expect([await used(ada), await holds(ada)]).toEqual([30, ["open"]]);
    await collect({ [Symbol.asyncIterator]: () => iterator });
    expect([await used(ada), await holds(ada)]).toEqual([6, ["committed"]]);
  });
});

describe("a stream that fails", () => {
  test("before anything was used gives everything back, and says why", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada);
    const read = collect(await streaming.stream.query({ work: "failsFirst", units: 30 }));
    await expect(read).rejects.toMatchObject({ data: { appCode: "NOT_FOUND", httpStatus: 404 } });
    expect([await used(ada), await holds(ada)]).toEqual([0, ["released"]]);
  });

  test("later is charged what it said until then", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada);
    const seen: unknown[] = [];
    const read = collect(await streaming.stream.query({ work: "failsLater", units: 30 }), seen);
    await expect(read).rejects.toMatchObject({ data: { appCode: "RATE_LIMITED" } });
    expect(seen).toEqual(["one"]);
    expect([await used(ada), await holds(ada)]).toEqual([4, ["committed"]]);
  });

  test("for lack of time is charged what it said until then, and tells the reader", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada);
    const read = collect(await streaming.hastyStream.query({ work: "stuck", units: 30 }));
    await expect(read).rejects.toMatchObject({ data: { appCode: "TIMED_OUT", httpStatus: 504 } });
    expect([await used(ada), await holds(ada)]).toEqual([7, ["committed"]]);
  });
});

describe.each([
  ["JSON lines", "stream", { accept: "application/jsonl" }],
  ["server-sent events", "watch", { accept: "text/event-stream" }],
])("a reader of %s who hangs up", (_format, path, accept) => {
  /** Reads until `enough` has arrived, and hangs up. */
  async function readABit(as: TenantCtx, work: string, enough: string): Promise<void> {
    const { url, headers } = await clientOf(as);
    const input = JSON.stringify({ 0: { json: { work, units: 30 } } });
    const single = JSON.stringify({ json: { work, units: 30 } });
    const query = path === "watch" ? `input=${single}` : `batch=1&input=${input}`;
    const caller = new AbortController();
    const answer = await fetch(`${url}/${path}?${query.replaceAll('"', "%22")}`, {
      headers: { ...headers, ...accept },
      signal: caller.signal,
    });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes(enough)) text += (await reader.read()).value;
    caller.abort();
  }

  test("pays what was used until then, and the work stops", async () => {
    const ada = await tenant("ada");
    const before = closed;
    await readABit(ada, "endless", "tick");
    await expect.poll(() => holds(ada)).toEqual(["committed"]);
    expect(closed).toBe(before + 1);
    const units = await used(ada);
    const [entry] =
      await owner`select units from entries where tenant_id = ${ada.tenant.id} and operation = 'commit'`;
    expect(Number(entry!.units)).toBeGreaterThan(0);
    expect(units).toBe(Math.min(Number(entry!.units), 100));
  });

  test("pays all that was set aside, when the stream doesn't say what it used", async () => {
    const ada = await tenant("ada");
    await readABit(ada, "endlessSilent", "more");
    await expect.poll(() => holds(ada)).toEqual(["committed"]);
    expect(await used(ada)).toBe(30);
  });

  test.each(["stuck", "deaf"])(
    "pays while the work waits for something that never comes (%s)",
    async (work) => {
      const ada = await tenant("ada");
      await readABit(ada, work, "one");
      await expect.poll(() => holds(ada), { timeout: 4_000 }).toEqual(["committed"]);
      expect(await used(ada)).toBe(7);
    },
  );
});

test("a stream that nobody can read is refused, and gives back what was set aside when its time is up", async () => {
  const ada = await tenant("ada");
  const { plain } = await clientOf(ada);
  const asked = plain.hastyStream.query({ work: "counted", units: 30 });
  await expect(asked).rejects.toMatchObject({ data: { code: "UNSUPPORTED_MEDIA_TYPE" } });
  await expect.poll(() => holds(ada), { timeout: 3_000 }).toEqual(["released"]);
  expect(await used(ada)).toBe(0);
});

test("a stream can't be charged in one transaction: that is the procedure's fault, and nothing is charged", async () => {
  const ada = await tenant("ada");
  const answer = await call(ada, "chargedStream", { work: "counted", units: 30 }, {}, product);
  expect(answer.status).toBe(500);
  expect(await used(ada)).toBe(0);
});

describe("a stream with an Idempotency-Key", () => {
  test("is not run a second time once it came to its end; its values are not kept", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada, { "idempotency-key": "talk-1" });
    const ask = async () => collect(await streaming.stream.query({ work: "counted", units: 30 }));
    expect(await ask()).toHaveLength(3);
    await expect(ask()).rejects.toMatchObject({ data: { appCode: "CONFLICT" } });
    expect(await used(ada)).toBe(6);
  });

  test("that broke off may be asked for again, and is charged for what each used", async () => {
    const ada = await tenant("ada");
    const { streaming } = await clientOf(ada, { "idempotency-key": "talk-1" });
    const ask = async () => collect(await streaming.stream.query({ work: "failsLater", units: 30 }));
    for (let i = 0; i < 2; i += 1)
      await expect(ask()).rejects.toMatchObject({ data: { appCode: "RATE_LIMITED" } });
    expect(await used(ada)).toBe(8);
  });
});
