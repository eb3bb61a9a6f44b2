import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { createApiKey, listApiKeys, revokeApiKey, verifyApiKey } from "@/server/accounts/api-keys";
import { openTenant } from "@/server/accounts/service";
import { createCtx } from "@/server/context";

const { tenant, owner, runtime, clock, ctx } = await world();
const anonymous = createCtx(runtime, { kind: "anonymous" });

test("a key opens its own workspace, without a role, until it is revoked", async () => {
  const ada = await tenant("ada");
  const { key, apiKey } = await createApiKey(ada, { name: "CI" });
  expect(key).toMatch(/^tgk_[0-9a-z]{26}_[\w-]{43}$/);
  expect(await verifyApiKey(anonymous, key)).toEqual({
    apiKeyId: apiKey.id,
    tenant: { ...ada.tenant, role: null },
  });
  await revokeApiKey(ada, { id: apiKey.id });
  expect(await verifyApiKey(anonymous, key)).toBeNull();
  expect((await listApiKeys(ada))[0]).toMatchObject({ id: apiKey.id, revokedAt: clock.now() });
});

test("nothing that can be stolen from the database is the key", async () => {
  const ada = await tenant("ada");
  const { key } = await createApiKey(ada, { name: "CI" });
  const secret = key.slice(-43);
  const [row] = await owner`select * from api_keys where tenant_id = ${ada.tenant.id}`;
  expect(JSON.stringify(row)).not.toContain(secret);
  expect(JSON.stringify(await listApiKeys(ada))).not.toContain(row!.secret_hash);
  const [audited] =
    await owner`select * from audit_events where tenant_id = ${ada.tenant.id} and action = 'api_key.created'`;
  expect(JSON.stringify(audited)).not.toContain(secret);
});

test("what is not exactly a live key is nobody's", async () => {
  const ada = await tenant("ada");
  const bo = await tenant("bo");
  const { key } = await createApiKey(ada, { name: "CI" });
  const secret = key.slice(-43);
  const other = secret.startsWith("A") ? `B${secret.slice(1)}` : `A${secret.slice(1)}`;
  const [row] = await owner`select secret_hash from api_keys where tenant_id = ${ada.tenant.id}`;
  for (const presented of [
    "",
    "tgk_",
    key.slice(0, -1),
    `${key}x`,
    `${key}\n`,
    key.toUpperCase(),
    key.replace(secret, other),
    key.replace(secret, row!.secret_hash.slice(0, 43)),
    `tgk_${bo.tenant.id.slice(4)}_${secret}`,
    `tgk_${"0".repeat(26)}_${secret}`,
    `tgk_${"'".repeat(26)}_${secret}`,
    "x".repeat(100_000),
  ]) {
    expect(await verifyApiKey(anonymous, presented)).toBeNull();
  }
  expect(await verifyApiKey(anonymous, key)).not.toBeNull();
});

test("another workspace's key can be neither seen nor revoked", async () => {
  const ada = await tenant("ada");
  const bo = await tenant("bo");
  const { key, apiKey } = await createApiKey(ada, { name: "CI" });
  expect(await listApiKeys(bo)).toEqual([]);
  await expect(revokeApiKey(bo, { id: apiKey.id })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(revokeApiKey(ada, { id: "key_unknown" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await verifyApiKey(anonymous, key)).not.toBeNull();
});

test("revoking twice, or ten times at once, is written down once and moves no date", async () => {
  const ada = await tenant("ada");
  const { apiKey } = await createApiKey(ada, { name: "CI" });
  await Promise.all(Array.from({ length: 10 }, () => revokeApiKey(ada, { id: apiKey.id })));
  const revokedAt = clock.now();
  clock.advance({ hours: 1 });
  await revokeApiKey(ada, { id: apiKey.id });
  expect((await listApiKeys(ada))[0]?.revokedAt).toEqual(revokedAt);
  const audited =
    await owner`select 1 from audit_events where tenant_id = ${ada.tenant.id} and action = 'api_key.revoked'`;
  expect(audited).toHaveLength(1);
});

test("when it was last used is known to the minute", async () => {
  const ada = await tenant("ada");
  const { key } = await createApiKey(ada, { name: "CI" });
  const lastUsedAt = async () => (await listApiKeys(ada))[0]?.lastUsedAt;
  expect(await lastUsedAt()).toBeNull();
  await verifyApiKey(anonymous, key);
  const first = clock.now();
  clock.advance({ seconds: 59 });
  await verifyApiKey(anonymous, key);
  expect(await lastUsedAt()).toEqual(first);
  clock.advance({ seconds: 1 });
  await verifyApiKey(anonymous, key);
  expect(await lastUsedAt()).toEqual(clock.now());
});

test("a key goes where keys are allowed, and into no other workspace", async () => {
  const ada = await tenant("ada");
  const bo = await tenant("bo");
  const asKey = { ...ctx, actor: { kind: "apiKey", apiKeyId: "key_1" } as const, tenant: ada.tenant };
  expect(await openTenant(asKey, { slug: null, apiKeyAllowed: true })).toEqual(ada.tenant);
  expect(await openTenant(asKey, { slug: ada.tenant.slug, apiKeyAllowed: true })).toEqual(ada.tenant);
  for (const [slug, apiKeyAllowed, code] of [
    [bo.tenant.slug, true, "NOT_FOUND"],
    ["nowhere", true, "NOT_FOUND"],
    [ada.tenant.slug, false, "FORBIDDEN"],
  ] as const) {
    await expect(openTenant(asKey, { slug, apiKeyAllowed })).rejects.toMatchObject({ code });
  }
});
