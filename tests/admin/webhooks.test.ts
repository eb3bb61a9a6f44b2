import { errorOf, member } from "@tests/http/edge";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { noteDrift } from "@/server/sync/note-drift";
import { receive } from "@/server/webhooks/service";
import { operatorOffice } from "./office";

const set = await world();
const { ctx, owner, tenant, clock } = set;
const { olga, act, refused, read, post, get } = await operatorOffice(set);

const putAside = async (eventId: string) => {
  const event = {
    provider: "stripe",
    account: "",
    eventId,
    type: "invoice.paid",
    apiVersion: null,
    livemode: false,
  };
  await receive(ctx, { ...event, payload: { secret: "of a customer" }, keep: true });
  await owner`update webhook_inbox set status = 'quarantined', attempts = 5, last_error = 'Error: no luck' where event_id = ${eventId}`;
  return { provider: "stripe", account: "", eventId };
};

test("an operator sees what was put aside, and has it worked off again once per key", async () => {
  const name = await putAside("evt_aside");
  expect(await read(olga, "webhooks", { status: "quarantined" })).toMatchObject({
    events: [
      {
        eventId: "evt_aside",
        type: "invoice.paid",
        attempts: 5,
        lastError: "Error: no luck",
        hasPayload: true,
      },
    ],
    next: null,
  });
  expect(JSON.stringify(await read(olga, "webhooks"))).not.toContain("of a customer");
  expect(await read(olga, "webhookHealth")).toMatchObject({ waiting: 0, quarantined: 1 });
  const wish = { events: [name], reason: "the price is known now", key: "replay-1" };
  const answers = await Promise.all([1, 2, 3].map(() => act(olga, "replayWebhooks", wish)));
  expect(answers).toEqual([{ replayed: 1 }, { replayed: 1 }, { replayed: 1 }]);
  expect(await read(olga, "webhookHealth")).toMatchObject({ waiting: 1, quarantined: 0 });
  expect(await owner`select action, reason from operator_deeds where key = 'replay-1'`).toEqual([
    { action: "operator.replayed_webhooks", reason: wish.reason },
  ]);
  await putAside("evt_other");
  expect(
    await act(olga, "replayWebhooks", {
      status: "quarantined",
      type: "invoice.",
      reason: "all",
      key: "replay-2",
    }),
  ).toEqual({ replayed: 1 });
  expect(
    await refused(olga, "replayWebhooks", {
      ...wish,
      events: [{ ...name, eventId: "evt_none" }],
      key: "replay-3",
    }),
  ).toBe("NOT_FOUND");
});

test("an operator sees where Stripe disagrees, whose it is, and what became of it", async () => {
  await owner`insert into customer_directory (customer_id, tenant) values ('cus_1', ${olga.tenant.id})`;
  const drift = { kind: "subscription", subject: "sub_1", ours: "active", theirs: "canceled" } as const;
  await noteDrift(ctx, [drift], { customerId: "cus_1" });
  await noteDrift(ctx, [{ ...drift, theirs: "paused" }], { customerId: "cus_1" });
  clock.advance({ seconds: 1 });
  await noteDrift(ctx, [{ ...drift, kind: "event", subject: "evt_1" }], {
    customerId: null,
    how: "taken_in",
  });
  expect(await read(olga, "drift", { state: "open" })).toMatchObject({
    drifts: [{ ...drift, theirs: "paused", workspaceId: olga.tenant.id, healedAt: null }],
    next: null,
  });
  expect(await read(olga, "drift", { state: "healed" })).toMatchObject({
    drifts: [{ subject: "evt_1", how: "taken_in" }],
  });
  expect(await read(olga, "drift")).toMatchObject({
    drifts: [{ subject: "evt_1" }, { subject: "sub_1" }],
  });
});

test("nobody else sees or replays them", async () => {
  const ada = await tenant("ada");
  for (const [name, input] of [
    ["replayWebhooks", { status: "ignored", reason: "r", key: "k" }],
    ["webhooks", {}],
    ["drift", {}],
  ] as const) {
    const send = name === "replayWebhooks" ? post : get;
    expect((await errorOf(await send(`operator.${name}`, member(ada), input)))?.data.appCode).toBe(
      "FORBIDDEN",
    );
  }
});
