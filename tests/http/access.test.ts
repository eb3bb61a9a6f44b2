import { world } from "@tests/support/world";
import { describe, expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { createApiKey, revokeApiKey } from "@/server/accounts/api-keys";
import { mayDo, type Permission } from "@/server/accounts/rules";
import { users } from "@/server/accounts/tables";
import { createCtx, type Role, type TenantCtx } from "@/server/context";
import { appRouter } from "@/server/root";
import type { Meta } from "@/server/trpc";
import { api, dataOf, errorOf, member } from "./edge";

const { tenant, owner, runtime, clock, ctx } = await world();
const { get, post } = api(runtime);

type Procedure = { _def: { type: "query" | "mutation"; meta?: Meta } };
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, Procedure>);
const ROLES: Role[] = ["owner", "admin", "billing", "member"];

async function join(workspace: TenantCtx, role: Role): Promise<TenantCtx> {
  const userId = newId("user", clock.now());
  await ctx.db.orm
    .insert(users)
    .values({ id: userId, email: `${userId}@member.test`, createdAt: clock.now() });
  await owner`insert into members values (${workspace.tenant.id}, ${userId}, ${role}, now())`;
  await owner`insert into member_directory values (${userId}, ${workspace.tenant.id})`;
  return { ...createCtx(runtime, { kind: "user", userId }), tenant: { ...workspace.tenant, role } };
}

/** A call whose input is no good: it either fails on who asks, or on the input, and never does anything. */
async function knock(path: string, type: "query" | "mutation", headers: Record<string, string>) {
  const input = { nobodyKnowsThisField: true };
  const response = await (type === "query" ? get(path, headers, input) : post(path, headers, input));
  const error = await errorOf(response);
  if (error?.data.appCode === "NOT_FOUND" && error.message !== "There is no such workspace.")
    return "let in, and found nothing";
  return error?.data.appCode ?? response.status;
}

const REFUSED = ["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"];
const fingerprint = async () =>
  JSON.stringify(
    await Promise.all(
      [
        "tenants",
        "members",
        "api_keys",
        "entries",
        "holds",
        "leases",
        "answers",
        "runs",
        "channels",
        "checkouts",
        "audit_events",
      ].map(
        (table) =>
          owner`select md5(coalesce(string_agg(t::text, ' ' order by t::text), '')) from ${owner(table)} t`,
      ),
    ),
  );

describe("the matrix", async () => {
  const ada = await tenant("ada");
  const bo = await tenant("bo");
  const members = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await join(ada, role)] as const)),
  );
  const { key } = await createApiKey(ada, { name: "matrix" });
  const live = { authorization: `Bearer ${key}` };
  // Notes when the key was last used; the clock stands still, so it is not noted again.
  await knock("quota.status", "query", live);

  test.each(procedures)("%s lets in whom it declares, and nobody else", async (path, { _def }) => {
    const { access, apiKey } = _def.meta ?? {};
    const operator = access === "operator";
    const ofTenant = access !== "public" && access !== "user" && !operator;
    const expected = (allowed: boolean, code: string) => (allowed ? expect.not.toSatisfy(refused) : code);
    const before = await fingerprint();
    const origin = { origin: "http://app.test" };
    const answers = {
      anonymous: await knock(path, _def.type, origin),
      foreign: await knock(path, _def.type, { ...member(bo), "x-workspace": ada.tenant.slug }),
      unknown: await knock(path, _def.type, { ...member(ada), "x-workspace": "nowhere" }),
      unnamed: await knock(path, _def.type, { ...member(ada), "x-workspace": "" }),
      apiKey: await knock(path, _def.type, live),
      keyElsewhere: await knock(path, _def.type, { ...live, "x-workspace": bo.tenant.slug }),
    };
    if (operator) {
      const { anonymous, ...others } = answers;
      expect(anonymous).toBe("UNAUTHENTICATED");
      expect(new Set(Object.values(others))).toEqual(new Set(["FORBIDDEN"]));
    } else
      expect(answers).toEqual({
        anonymous: expected(access === "public", "UNAUTHENTICATED"),
        foreign: expected(!ofTenant, "NOT_FOUND"),
        unknown: expected(!ofTenant, "NOT_FOUND"),
        unnamed: expected(!ofTenant, "NOT_FOUND"),
        apiKey: expected(
          access === "public" || apiKey === true,
          access === "user" ? "UNAUTHENTICATED" : "FORBIDDEN",
        ),
        keyElsewhere: expected(
          access === "public",
          access === "user" ? "UNAUTHENTICATED" : apiKey ? "NOT_FOUND" : "FORBIDDEN",
        ),
      });
    for (const role of ROLES) {
      const allowed = !operator && (!ofTenant || access === "tenant" || mayDo(role, access as Permission));
      expect([role, await knock(path, _def.type, member(members[role]!))]).toEqual([
        role,
        expected(allowed, "FORBIDDEN"),
      ]);
    }
    expect(await fingerprint()).toBe(before);
  });
});

const refused = (answer: unknown) => REFUSED.includes(String(answer));

describe("an API key over HTTP", () => {
  test("acts for its own workspace, and says in the entry that it did", async () => {
    const ada = await tenant("ada");
    const { key, apiKey } = await createApiKey(ada, { name: "server" });
    const answer = await post(
      "quota.consume",
      { authorization: `Bearer ${key}` },
      { feature: "compute", units: 3 },
    );
    expect(await dataOf(answer)).toMatchObject({ allowed: true, used: 3 });
    expect(answer.headers.get("ratelimit")).toMatch(/^"compute";r=97;t=\d+$/);
    const [entry] =
      await owner`select actor from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
    expect(entry).toEqual({ actor: `api_key:${apiKey.id}` });
  });

  test("that is not valid is nobody's, although a good cookie came along", async () => {
    const ada = await tenant("ada");
    const { key, apiKey } = await createApiKey(ada, { name: "old" });
    await revokeApiKey(ada, { id: apiKey.id });
    for (const authorization of [
      `Bearer ${key}`,
      "Bearer tgk_nonsense",
      "Bearer ",
      "",
      key,
      `Basic ${key}`,
      `Bearer ${key} ${key}`,
    ]) {
      const answer = await get("quota.status", { ...member(ada), authorization });
      expect((await errorOf(answer))?.data).toMatchObject({ appCode: "UNAUTHENTICATED", httpStatus: 401 });
    }
  });

  test("beside somebody's cookie is the key alone", async () => {
    const ada = await tenant("ada");
    const bo = await tenant("bo");
    const { key } = await createApiKey(ada, { name: "server" });
    const answer = await get("accounts.apiKeys.list", { ...member(bo), authorization: `Bearer ${key}` });
    expect((await errorOf(answer))?.data.appCode).toBe("FORBIDDEN");
  });
});

test("a person sees the workspaces that are theirs, and who they are", async () => {
  const ada = await tenant("ada");
  await tenant("bo");
  expect(await dataOf(await get("accounts.workspaces", member(ada)))).toMatchObject([
    { slug: ada.tenant.slug, role: "owner" },
  ]);
  expect(await dataOf(await get("accounts.me", member(ada)))).toMatchObject({ name: "ada" });
});
