import { afterAll, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { notify } from "@/server/notifications/jobs";
import { setPreference } from "@/server/notifications/preferences";
import { markRead } from "@/server/notifications/service";
import { startMailCatcher } from "@/simulator/mail/catcher";
import type { CaughtMail } from "@/simulator/mail/store";
import { stage } from "./stage";

const catcher = await startMailCatcher();
afterAll(() => catcher.close());
const { ctx, clock, owner, tenant, join, tellFact, lowCredits, emailOf } = await stage(catcher.smtpUrl);

async function mailsTo(email: string): Promise<CaughtMail[]> {
  const answer = await fetch(`${catcher.url}/api/messages?to=${encodeURIComponent(email)}`);
  return (await answer.json()).messages;
}

const low = { left: 12, lowAt: 50 };

test("owners, admins and billing are told of money, members are not", async () => {
  const ada = await tenant("ada");
  const admin = await join(ada, "bo", "admin");
  const billing = await join(ada, "cleo", "billing");
  const member = await join(ada, "dan", "member");
  await tellFact(ada, "credits.low", low);
  expect(await notify(ctx)).toEqual({ told: 3, mailed: 3, mailsFailed: 0 });
  for (const email of [await emailOf(ada), admin.email, billing.email])
    expect((await mailsTo(email)).map(({ subject }) => subject)).toEqual(["12 credits left (ada)"]);
  expect(await mailsTo(member.email)).toEqual([]);
  expect(await notify(ctx)).toEqual({ told: 0, mailed: 0, mailsFailed: 0 });
});

test("a mail names the fact and the person in its Message-ID, leads to the right page, and says how to end its kind", async () => {
  const ada = await tenant("ada");
  await tellFact(ada, "credits.low", low);
  await notify(ctx);
  const [mail] = await mailsTo(await emailOf(ada));
  const [row] = await owner`select id from outbox where tenant_id = ${ada.tenant.id}`;
  const userId = ada.actor.kind === "user" ? ada.actor.userId : "";
  expect(mail!.headers["message-id"]).toBe(`<${row!.id}.${userId}@tollgate.test>`);
  expect(mail!.headers["auto-submitted"]).toBe("auto-generated");
  expect(mail!.links).toContain(`http://app.test/${ada.tenant.slug}/credits`);
  const url = /^<(.+)>$/.exec(mail!.headers["list-unsubscribe"] ?? "")?.[1];
  expect(mail!.headers["list-unsubscribe-post"]).toBe("List-Unsubscribe=One-Click");
  expect(mail!.links).toContain(url);
  expect(mail!.text).toContain("The balance fell below your mark of 50 credits.");
});

test("mails that may save money can't be ended, and don't offer it", async () => {
  const ada = await tenant("ada");
  const failed = {
    amountMinor: "1500",
    currency: "usd",
    payUrl: null,
    nextAttemptAt: null,
    graceEndsAt: null,
  };
  await tellFact(ada, "billing.payment_failed", failed);
  await notify(ctx);
  const [mail] = await mailsTo(await emailOf(ada));
  expect(mail!.subject).toBe("Your payment of $15.00 did not go through (ada)");
  expect(mail!.headers["list-unsubscribe"]).toBeUndefined();
  expect(mail!.html).not.toContain("unsubscribe");
});

test("times are the workspace's own, whatever the zone of the server", async () => {
  const ada = await tenant("ada", "Pacific/Auckland");
  await tellFact(ada, "credits.expiring", { credits: 150, expiresAt: "2026-11-28T12:30:00.000Z" });
  await notify(ctx);
  const [mail] = await mailsTo(await emailOf(ada));
  expect(mail!.subject).toBe("150 credits expire on Nov 29, 2026 (ada)");
  expect(mail!.text).toContain("Nov 29, 2026, 01:30");
});

test("who switched a kind off is shown it and not mailed; others are mailed", async () => {
  const ada = await tenant("ada");
  const bo = await join(ada, "bo", "admin");
  await setPreference(bo, { topic: "credits", mail: false });
  await tellFact(ada, "credits.low", low);
  expect(await notify(ctx)).toEqual({ told: 2, mailed: 1, mailsFailed: 0 });
  expect(await mailsTo(bo.email)).toEqual([]);
  expect(await shownTo(bo)).toBe(1);
});

test("who leaves, or switches off, between the fact and its mail is not mailed", async () => {
  const ada = await tenant("ada");
  const [bo, cleo, dan] = [
    await join(ada, "bo", "admin"),
    await join(ada, "cleo", "billing"),
    await join(ada, "dan", "admin"),
  ];
  await tellFact(ada, "credits.low", low);
  // Told, but not mailed yet: as after a run without a mail server.
  await notify({ ...ctx, mail: undefined });
  await owner`delete from members where tenant_id = ${ada.tenant.id} and user_id = ${idOf(bo)}`;
  await owner`update members set role = 'member' where tenant_id = ${ada.tenant.id} and user_id = ${idOf(dan)}`;
  await setPreference(cleo, { topic: "credits", mail: false });
  expect(await notify(ctx)).toEqual({ told: 0, mailed: 1, mailsFailed: 0 });
  for (const { email } of [bo, cleo, dan]) expect(await mailsTo(email)).toEqual([]);
});

test("a fact of a type that only a newer release knows waits for it, and holds up nothing", async () => {
  const ada = await tenant("ada");
  await owner`insert into outbox values (${ada.tenant.id}, 'msg_0', 'new:1', 'credits.novel', '{}', now(), null)`;
  await tellFact(ada, "credits.low", low);
  expect(await notify(ctx)).toEqual({ told: 1, mailed: 1, mailsFailed: 0 });
  const [row] = await owner`select sent_at from outbox where tenant_id = ${ada.tenant.id} and id = 'msg_0'`;
  expect(row!.sent_at).toBeNull();
});

test("a fact that was read before its mail went is mailed all the same", async () => {
  const ada = await tenant("ada");
  await lowCredits(ada, 1);
  await notify({ ...ctx, mail: undefined });
  const [row] = await owner`select id from outbox where tenant_id = ${ada.tenant.id}`;
  expect(await markRead(ada, { messageId: String(row!.id) })).toEqual({ unread: 0 });
  expect(await notify(ctx)).toMatchObject({ mailed: 1 });
});

test("facts that nobody told for 14 days are shown, and mailed no more: a new cron floods nobody", async () => {
  const ada = await tenant("ada");
  await lowCredits(ada, 2);
  clock.advance({ days: 15 });
  await lowCredits(ada, 1);
  expect(await notify(ctx)).toEqual({ told: 3, mailed: 1, mailsFailed: 0 });
  expect(await shownTo(ada)).toBe(3);
});

test("what was told 90 days ago is forgotten with all that hangs on it, and not a day before", async () => {
  const { forgetTold } = await import("@/server/notifications/jobs");
  const ada = await tenant("ada");
  await lowCredits(ada, 3);
  const window = {
    feature: "compute",
    percent: 80,
    used: 80,
    limit: 100,
    windowStartsAt: clock.now().toISOString(),
  };
  await tellFact(ada, "quota.threshold", window);
  await notify(ctx);
  const left = async () => {
    const [row] =
      await owner`select (select count(*)::int from outbox where tenant_id = ${ada.tenant.id}) as facts,
      (select count(*)::int from notifications where tenant_id = ${ada.tenant.id}) as shown`;
    return row;
  };
  clock.advance({ days: 89 });
  await forgetTold(ctx);
  expect(await left()).toEqual({ facts: 4, shown: 4 });
  clock.advance({ days: 2 });
  await lowCredits(ada, 1);
  await forgetTold(ctx);
  // The unsent one stays, and so does the window's: it is what keeps it from being told twice.
  expect(await left()).toEqual({ facts: 2, shown: 1 });
  await notify(ctx);
  clock.advance({ days: 401 });
  await forgetTold(ctx);
  expect(await left()).toEqual({ facts: 0, shown: 0 });
});

const idOf = ({ actor }: TenantCtx) => (actor.kind === "user" ? actor.userId : "");
async function shownTo(person: TenantCtx): Promise<number> {
  const [row] = await owner`select count(*)::int as shown from notifications
    where tenant_id = ${person.tenant.id} and user_id = ${idOf(person)}`;
  return Number(row!.shown);
}
