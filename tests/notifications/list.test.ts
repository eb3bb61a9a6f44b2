import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { notify } from "@/server/notifications/jobs";
import { preferences, setPreference } from "@/server/notifications/preferences";
import { listNotifications, markRead } from "@/server/notifications/service";
import { answerUnsubscribe, unsubscribeUrl } from "@/server/notifications/unsubscribe";
import { stage } from "./stage";

const { ctx, runtime, owner, tenant, join, lowCredits, tellFact } = await stage("smtp://127.0.0.1:1");
/** Shown, not mailed. */
const shown = () => notify({ ...ctx, mail: undefined });
const idOf = ({ actor }: TenantCtx) => (actor.kind === "user" ? actor.userId : "");

test("the latest comes first, in pages, and each person reads for themselves", async () => {
  const ada = await tenant("ada");
  const bo = await join(ada, "bo", "billing");
  await lowCredits(ada, 5);
  await shown();
  const first = await listNotifications(ada, { limit: 2 });
  expect(first.notices.map(({ title }) => title)).toEqual(["4 credits left", "3 credits left"]);
  expect(first).toMatchObject({ unread: 5 });
  const second = await listNotifications(ada, { limit: 3, cursor: first.nextCursor! });
  expect(second.notices.map(({ title }) => title)).toEqual([
    "2 credits left",
    "1 credit left",
    "No credits are left",
  ]);
  expect(second.nextCursor).toBeNull();
  const third = second.notices[0]!;
  expect(await markRead(ada, { messageId: third.messageId })).toEqual({ unread: 4 });
  expect(await markRead(ada, { messageId: third.messageId, andOlder: true })).toEqual({ unread: 2 });
  expect(await markRead(ada, { messageId: third.messageId, andOlder: true })).toEqual({ unread: 2 });
  expect(await listNotifications(bo, {})).toMatchObject({ unread: 5 });
});

test("a page of ours is a path, a provider's page an address", async () => {
  const ada = await tenant("ada");
  const unpaid = { amountMinor: "1500", currency: "usd", nextAttemptAt: null, graceEndsAt: null };
  await tellFact(ada, "billing.payment_failed", { ...unpaid, payUrl: "https://pay.test/in_0" });
  await tellFact(ada, "billing.payment_failed", { ...unpaid, payUrl: null });
  await shown();
  const { notices } = await listNotifications(ada, {});
  expect(notices.map(({ action }) => action.url).sort()).toEqual([
    `/${ada.tenant.slug}/billing`,
    "https://pay.test/in_0",
  ]);
});

test("nobody sees or reads what another workspace was told", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await lowCredits(ada, 1);
  await shown();
  const { notices } = await listNotifications(ada, {});
  expect(await listNotifications(bo, {})).toEqual({ notices: [], unread: 0, nextCursor: null });
  await markRead(bo, { messageId: notices[0]!.messageId, andOlder: true });
  expect(await listNotifications(ada, {})).toMatchObject({ unread: 1 });
});

test("a kind that may be switched off is, and on again; one that may not is refused, and nothing is written", async () => {
  const ada = await tenant("ada");
  await setPreference(ada, { topic: "usage", mail: false });
  expect(await preferences(ada)).toContainEqual({ topic: "usage", mail: false, always: false });
  await setPreference(ada, { topic: "usage", mail: true });
  expect(await preferences(ada)).toContainEqual({ topic: "usage", mail: true, always: false });
  for (const topic of ["payments", "plan"] as const)
    await expect(setPreference(ada, { topic, mail: false })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const rows = await owner`select kind from notification_preferences where tenant_id = ${ada.tenant.id}`;
  expect(rows).toEqual([{ kind: "usage" }]);
});

test("the link in a mail only asks when opened, and ends its kind of mail for its person when posted to, once or twice", async () => {
  const ada = await tenant("ada");
  const bo = await join(ada, "bo", "admin");
  const url = unsubscribeUrl(ada, { userId: idOf(ada), topic: "usage" })!;
  const opened = await answerUnsubscribe(runtime, new Request(url));
  expect(opened.status).toBe(200);
  expect(await opened.text()).toContain("End these mails");
  expect(await preferences(ada)).toContainEqual({ topic: "usage", mail: true, always: false });
  for (let n = 0; n < 2; n += 1) {
    const body = "List-Unsubscribe=One-Click";
    const done = await answerUnsubscribe(runtime, new Request(url, { method: "POST", body }));
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining("You get no more mails")]);
  }
  expect(await preferences(ada)).toContainEqual({ topic: "usage", mail: false, always: false });
  expect(await preferences(ada)).toContainEqual({ topic: "credits", mail: true, always: false });
  expect(await preferences(bo)).toContainEqual({ topic: "usage", mail: true, always: false });
});

test("a link that we did not sign for just that person, workspace and kind does nothing", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const url = unsubscribeUrl(ada, { userId: idOf(ada), topic: "usage" })!;
  const forged = [
    url.replace(".usage.", ".receipts."),
    url.replace(".usage.", ".payments."),
    url.replace(idOf(ada), idOf(bo)),
    url.replace(ada.tenant.id, bo.tenant.id),
    `${url}x`,
    `${url}.x`,
    url.slice(0, -1),
    url.replace(/of=.*/, "of="),
    url.replace(/\?.*/, ""),
    `${url.replace(/\?.*/, "")}?of=${"é".repeat(80)}`,
  ];
  for (const link of forged) {
    const answer = await answerUnsubscribe(runtime, new Request(link, { method: "POST" }));
    expect([link, answer.status]).toEqual([link, 404]);
  }
  expect(unsubscribeUrl(ada, { userId: idOf(ada), topic: "payments" })).toBeNull();
  const rows =
    await owner`select 1 from notification_preferences where tenant_id in ${owner([ada.tenant.id, bo.tenant.id])}`;
  expect(rows).toEqual([]);
});

test("who is no member any more is asked nothing by an old link", async () => {
  const ada = await tenant("ada");
  const bo = await join(ada, "bo", "admin");
  const url = unsubscribeUrl(ada, { userId: idOf(bo), topic: "usage" })!;
  await owner`delete from member_directory where user_id = ${idOf(bo)}`;
  expect((await answerUnsubscribe(runtime, new Request(url, { method: "POST" }))).status).toBe(404);
});
