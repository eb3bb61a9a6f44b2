import { expect, test } from "vitest";
import { jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";
import { TimeMachine } from "@/server/time/machine";
import { answerTime, type TimeAnswer } from "@/server/time/request";
import { timeScene } from "./scene";

const scene = await timeScene("2028-01-30T09:00:00.000Z");
const { reset, inbox, notifications } = jobs;
/** What a story needs of cron: half a year of all of it would take too long. */
const machine = new TimeMachine({
  ...scene.world,
  jobs: { reset, inbox, notifications },
  // It runs on between two steps.
  clock: { ...scene.world.clock, release: () => scene.clock.advance({ seconds: 1 }) },
});
const SLOW_MS = 180_000;

const OURS = { host: "localhost:3000", "sec-fetch-site": "same-origin" };

async function ask(
  body?: object | string,
  headers: Record<string, string> = OURS,
  query = "limit=1000&of=",
): Promise<Response> {
  const method = body === undefined ? "GET" : "POST";
  const text = typeof body === "string" ? body : body && JSON.stringify(body);
  const request = new Request(`http://localhost:3000/dev/time/api?${query}`, {
    method,
    headers,
    body: text,
  });
  const from = { appUrl: "http://app.test", mailboxUrl: scene.mailUrl, userId: async () => null };
  return answerTime(machine, request, from);
}

/** Asks until the database is not busy, as the panel does. */
async function look(): Promise<TimeAnswer> {
  let answer = await ask();
  while (answer.status === 503) answer = await ask();
  expect(answer.status).toBe(200);
  return (await answer.json()) as TimeAnswer;
}

/** Gives an order and lets it end. */
async function order(body: object): Promise<TimeAnswer> {
  const answer = await ask(body);
  expect(answer.status).toBe(200);
  await machine.atRest();
  await scene.settled();
  const after = await look();
  expect(after.state.failures).toEqual([]);
  return after;
}

/** What the timeline tells of a kind, the first first. */
const told = ({ moments, state }: Pick<TimeAnswer, "moments" | "state">, ...kinds: string[]) =>
  moments
    .filter(({ kind, workspace }) => kinds.includes(kind) && workspace?.slug === state.story?.slug)
    .map(({ at, title }) => `${String(at).slice(0, 10)} ${title}`)
    .reverse();

test("without a story there is nothing to go on with", async () => {
  expect((await ask({ do: "play" })).status).toBe(409);
});

test(
  "29 February: declined at first, paid a day later, and the 31st stays the 31st",
  async () => {
    await order({ do: "begin", story: "leap-day" });
    const { moments, state } = await order({ do: "play", all: true });
    expect(state.story?.played).toBe(state.story?.steps.length);
    expect(told({ moments, state }, "story", "renewal")).toEqual([
      "2028-01-30 Time passes until 31 January of a leap year",
      "2028-01-31 A workspace subscribes on 31 January",
      "2028-01-31 On 29 February the renewal is declined once",
      "2028-02-29 Renewal not paid: $15.00",
      "2028-02-29 Tried again a day later it goes through",
      "2028-03-01 Renewal paid: $15.00",
      "2028-03-01 The next renewal is on 31 March: nothing has slipped",
      "2028-03-31 Renewal paid: $15.00",
    ]);
  },
  SLOW_MS,
);

test(
  "a card expires in month 3: mails ask for another one, which pays and restores",
  async () => {
    await order({ do: "begin", story: "card-expires" });
    for (let step = 2; step <= 4; step += 1) await order({ do: "play" });
    const failed = await order({ do: "play" });
    const { slug } = failed.state.story!;
    const status = () =>
      scene.owner`select s.status from subscriptions s join slug_directory d on d.tenant = s.tenant_id where d.slug = ${slug}`;
    expect((await status())[0]?.status).toBe("past_due");

    const after = await order({ do: "play" });
    expect((await status())[0]?.status).toBe("active");
    const renewals = told(after, "renewal").map((line) => line.slice(11));
    expect(renewals).toEqual([
      ...Array(2).fill("Renewal paid: $15.00"),
      ...Array(3).fill("Renewal not paid: $15.00"),
      "Renewal paid: $15.00",
    ]);
    expect(told(after, "mail").join()).toContain("Your payment of $15.00 did not go through");
  },
  SLOW_MS,
);

test("what happened is told the latest first, at its own instant, with a page to each mail", async () => {
  const bo = await scene.tenant("bo");
  await consume(bo, { feature: "compute", units: 85 });
  const { moments } = await order({ do: "move", wish: { hours: 1 } });
  const instants = moments.map(({ at }) => String(at));
  expect(instants).toEqual(instants.toSorted().reverse());
  expect(new Set(moments.map(({ kind }) => kind))).toEqual(
    new Set(["story", "renewal", "webhook", "change", "reset", "entry", "mail"]),
  );
  const mails = moments.filter(({ kind, workspace }) => kind === "mail" && workspace?.name === "bo");
  expect(mails.length).toBeGreaterThan(0);
  for (const { href } of mails) expect(href).toContain(`${scene.mailUrl}/messages/`);
});

test("the story that was begun last is shown alone until somebody chooses a workspace, or all of them", async () => {
  const shown = async (query: string) => {
    const { of, moments } = (await (await ask(undefined, OURS, query)).json()) as TimeAnswer;
    return [of, new Set(moments.map(({ workspace }) => workspace?.slug ?? ""))] as const;
  };
  const [of, slugs] = await shown("limit=1000");
  expect(of).toBe((await look()).state.story?.slug);
  expect([...slugs]).toEqual([of]);
  expect(await shown("limit=1000&of=bo")).toEqual(["bo", new Set(["bo"])]);
  const [, all] = await shown("limit=1000&of=");
  expect(all.size).toBeGreaterThan(2);
});

test.each([
  [{ do: "move", wish: { hours: 0 } }, 400],
  [{ do: "move", wish: { to: "2020-01-01T00:00:00.000Z" } }, 400],
  [{ do: "begin", story: "nothing" }, 400],
  ["no JSON", 400],
])("%j is refused, and the clock stays", async (body, code) => {
  const before = scene.clock.now();
  const answer = await ask(body);
  expect([answer.status, typeof ((await answer.json()) as { error: string }).error]).toEqual([
    code,
    "string",
  ]);
  expect(scene.clock.now()).toEqual(before);
});

test("another site, and another machine, move nothing and see nothing", async () => {
  expect((await ask({ do: "stop" }, { ...OURS, "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await ask(undefined, { host: "evil.example:3000" })).status).toBe(403);
});

test("a second move waits for nobody: it is refused until the first one ends or is stopped", async () => {
  expect((await ask({ do: "move", wish: { days: 300 } })).status).toBe(200);
  expect((await ask({ do: "move", wish: { hours: 1 } })).status).toBe(409);
  expect((await ask({ do: "stop" })).status).toBe(200);
  expect((await look()).state.moving).toBeNull();
});
