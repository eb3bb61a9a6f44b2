import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KINDS, type Kind } from "@/simulator/stripe/kinds";
import { loadSchemaBundle } from "@/simulator/stripe/schema/bundle";
import { loadSchemaTools, type SchemaTools } from "@/simulator/stripe/schema/tools";
import { walkBilling } from "./billing-walk";
import { SCHEMA_DIR, Scene } from "./support";

type Plain = Record<string, unknown>;

let tools: SchemaTools;
let events: Stripe.Event[];
beforeAll(async () => {
  const scene = await Scene.start();
  tools = await loadSchemaTools(SCHEMA_DIR);
  const price = await scene.price(2000);
  const session = await scene.checkout({ line_items: [{ price: price.id, quantity: 1 }] });
  await scene.submit(session.url!, { action: "pay", card: "success", email: "a@example.com" });
  const { payment_intent } = (await scene.stripe.paymentIntents.list()).data.map(({ id }) => ({
    payment_intent: id,
  }))[0]!;
  await scene.stripe.refunds.create({ payment_intent, amount: 5 });
  await walkBilling(scene);
  await scene.advanceDays(32);
  events = scene.sim.events;
  await scene.end();
});

describe("the generated schemas", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "stripe-schemas-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test("describe the installed version, and two processes may generate them at once", async () => {
    const [first, second] = await Promise.all([loadSchemaBundle(dir), loadSchemaBundle(dir)]);
    const files = await readdir(dir);
    const { version } = JSON.parse(await readFile("node_modules/stripe/package.json", "utf8")) as {
      version: string;
    };
    expect(files).toHaveLength(1);
    expect(files[0]).toMatch(new RegExp(`^stripe-schema-${version}-[0-9a-f]{12}\\.json$`));
    expect(second).toEqual(first);
    expect(first.endpoints.length).toBeGreaterThan(100);
    expect(first.otherEndpoints).toContain("POST /v1/transfers");
  });

  test("skeletons of all simulated objects are valid", () => {
    for (const definition of [
      "Customers:Customer",
      "Invoices:Invoice",
      "Subscriptions:Subscription",
      "Charges:Charge",
    ]) {
      expect(tools.validator.object(definition, tools.skeletons.of(definition))).toEqual([]);
    }
  });
});

// A small generator with a fixed start, so that a miss can be repeated.
function randomIndexes(seed: number): (length: number) => number {
  let state = seed;
  return (length) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % length;
  };
}

function pathsOf(value: unknown, prefix: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    if (key === "metadata") return [];
    const here = [...prefix, key];
    return [here, ...pathsOf(child, here)];
  });
}

const MUTATIONS = {
  delete: (owner: Plain, key: string) => {
    delete owner[key];
  },
  rename: (owner: Plain, key: string) => {
    owner[`${key}_x`] = owner[key];
    delete owner[key];
  },
  invent: (owner: Plain) => {
    owner.invented = 1;
  },
  retype: (owner: Plain, key: string) => {
    owner[key] = wrongType(owner[key]);
  },
} as const;

/** A value of another type: of none that a nullable text or number could take. */
function wrongType(value: unknown): unknown {
  if (typeof value === "string") return 7;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return value === null ? ["wrong"] : "wrong";
}

function mutate(event: Stripe.Event, kind: keyof typeof MUTATIONS, pick: (length: number) => number) {
  const copy = structuredClone(event) as unknown as { type: string; data: { object: Plain } };
  const paths = pathsOf(copy.data.object);
  const path = paths[pick(paths.length)]!;
  const owner = path.slice(0, -1).reduce<unknown>((value, key) => (value as Plain)[key], copy.data.object);
  if (Array.isArray(owner)) return null;
  MUTATIONS[kind](owner as Plain, path.at(-1)!);
  return { copy, path };
}

describe("the validator", () => {
  test("accepts what was sent", () => {
    expect(events.flatMap((event) => tools.validator.event(event))).toEqual([]);
  });

  // A field that the types call optional may be left out; nothing else goes unnoticed.
  test("catches at least 95 % of mutated events, and every renamed or invented field", () => {
    const missed = {
      delete: [] as string[],
      rename: [] as string[],
      invent: [] as string[],
      retype: [] as string[],
    };
    const tries = { delete: 0, rename: 0, invent: 0, retype: 0 };
    const pick = randomIndexes(12_345);
    for (const kind of Object.keys(MUTATIONS) as Array<keyof typeof MUTATIONS>) {
      for (const event of events.flatMap((each) => Array<Stripe.Event>(12).fill(each))) {
        const mutated = mutate(event, kind, pick);
        if (!mutated) continue;
        tries[kind] += 1;
        if (tools.validator.event(mutated.copy).length > 0) continue;
        missed[kind].push(`${event.type} ${mutated.path.join(".")}`);
      }
    }
    const kinds = Object.keys(tries) as Array<keyof typeof tries>;
    const caught = kinds.map((kind) => `${kind} ${tries[kind] - missed[kind].length}/${tries[kind]}`);
    console.info(`mutated payloads caught: ${caught.join(", ")}`);
    const tried = kinds.reduce((sum, kind) => sum + tries[kind], 0);
    expect(tried).toBeGreaterThan(4000);
    expect(missed.rename).toEqual([]);
    expect(missed.invent).toEqual([]);
    const all = [...missed.delete, ...missed.retype];
    expect(all.length / tried, all.join("\n")).toBeLessThanOrEqual(0.05);
  });

  test("catches at least 95 % of mutated objects, of every kind that was made", () => {
    const latest = new Map(events.map(({ data }) => [(data.object as { object: Kind }).object, data.object]));
    const pick = randomIndexes(99);
    const missed: string[] = [];
    let tried = 0;
    for (const [kind, object] of latest) {
      for (let round = 0; round < 60; round++) {
        const mutation = (["delete", "rename", "invent", "retype"] as const)[round % 4]!;
        const mutated = mutate({ data: { object } } as Stripe.Event, mutation, pick);
        if (!mutated) continue;
        tried += 1;
        const problems = tools.validator.object(KINDS[kind].definition, mutated.copy.data.object);
        if (problems.length === 0) missed.push(`${mutation} ${kind} ${mutated.path.join(".")}`);
      }
    }
    console.info(`mutated objects caught: ${tried - missed.length}/${tried} of ${latest.size} kinds`);
    expect(latest.size).toBeGreaterThanOrEqual(16);
    expect(missed.length / tried, missed.join("\n")).toBeLessThanOrEqual(0.05);
  });

  test("refuses closed enums' unknown values, event types and previous attributes that do not exist", () => {
    const event = structuredClone(events.find(({ type }) => type === "customer.subscription.updated")!);
    (event.data.object as Stripe.Subscription).status = "activ";
    expect(tools.validator.event(event).join()).toContain("status");
    expect(tools.validator.event({ ...event, type: "customer.renamed" })).not.toEqual([]);
    const previous = structuredClone(events.find(({ type }) => type === "invoice.updated")!);
    (previous.data.previous_attributes as Plain).paid = false;
    expect(tools.validator.event(previous).join()).toContain("paid");
  });
});
