import { world } from "@tests/support/world";
import { describe, expect, test } from "vitest";
import { newId } from "@/lib/ids";
import { mayDo, type Permission } from "@/server/accounts/rules";
import {
  createTenant,
  ensureTenant,
  listTenants,
  me,
  openTenant,
  tenantById,
} from "@/server/accounts/service";
import { users } from "@/server/accounts/tables";
import { giveWorkspace, homePath } from "@/server/auth";
import { type Ctx, createCtx, type Role } from "@/server/context";
import { entitleDefault } from "@/server/entitlements/entitle";

const { tenant, owner, runtime, clock, ctx } = await world();

async function person(name: string): Promise<Ctx & { userId: string }> {
  const userId = newId("user", clock.now());
  await ctx.db.orm
    .insert(users)
    .values({ id: userId, email: `${userId}@${name}.test`, name, createdAt: clock.now() });
  return { ...createCtx(runtime, { kind: "user", userId }), userId };
}

const asMember = (slug: string | null) => ({ slug, apiKeyAllowed: false });
const countOf = async (table: string) =>
  Number((await owner`select count(*) from ${owner(table)}`)[0]!.count);

describe("a new workspace", () => {
  test("has its owner, its plan and its audit row, all or nothing", async () => {
    const ada = await tenant("ada");
    expect(ada.tenant).toMatchObject({ role: "owner", timeZone: "UTC" });
    expect(
      await owner`select action from audit_events where tenant_id = ${ada.tenant.id} order by id`,
    ).toEqual([{ action: "tenant.created" }, { action: "plan.changed" }]);
    const before = await Promise.all(
      ["tenants", "members", "slug_directory", "member_directory"].map(countOf),
    );
    const bo = await person("bo");
    const failing = createTenant(bo, { name: "half", ownerUserId: bo.userId }, async () => {
      throw new Error("no plan");
    });
    await expect(failing).rejects.toThrow("no plan");
    expect(
      await Promise.all(["tenants", "members", "slug_directory", "member_directory"].map(countOf)),
    ).toEqual(before);
  });

  test("gets an address nobody else has, also when twenty ask for the same name at once", async () => {
    const bo = await person("bo");
    const made = await Promise.all(
      Array.from({ length: 20 }, () =>
        createTenant(bo, { name: "Bo's Bakery", ownerUserId: bo.userId }, entitleDefault),
      ),
    );
    const slugs = made.map((one) => one.slug);
    expect(new Set(slugs).size).toBe(20);
    expect(slugs.every((slug) => /^bos-bakery(-[0-9a-f]{6})?$/.test(slug))).toBe(true);
  });

  test.each([
    ["Sign in", "sign-in-workspace"],
    ["API", "api-workspace"],
    ["Zürich Öl & Gas", "zurich-ol-gas"],
    ["日本", "workspace"],
    ["../../etc", "etc"],
    ["-", "workspace"],
  ])("called %j never takes a page of the app: /%s", async (name, slug) => {
    const cleo = await person("cleo");
    const made = await createTenant(cleo, { name, ownerUserId: cleo.userId }, entitleDefault);
    expect(made.slug).toMatch(new RegExp(`^${slug}(-[0-9a-f]{6})?$`));
  });

  test("the first one is made once, however often and at the same time it is asked for", async () => {
    const dan = await person("dan");
    const wish = { userId: dan.userId, email: "dan@dan.test", name: "Dan" };
    await Promise.all(Array.from({ length: 10 }, () => giveWorkspace(dan, wish)));
    expect(await listTenants(dan)).toHaveLength(1);
    await ensureTenant(dan, { userId: dan.userId, name: "another" }, entitleDefault);
    expect(await listTenants(dan)).toMatchObject([{ name: "Dan", role: "owner" }]);
  });

  test("is made on the way home, when the sign-in crashed before it was", async () => {
    const eve = await person("eve");
    expect(await listTenants(eve)).toEqual([]);
    const home = await homePath(eve);
    expect(home).toMatch(/^\/eve/);
    expect(await homePath(eve)).toBe(home);
  });
});

describe("a workspace is its members' own", () => {
  test("foreign, unknown and unnamed ones look the same", async () => {
    const ada = await tenant("ada");
    const bo = await tenant("bo");
    expect(await openTenant(ada, asMember(ada.tenant.slug))).toMatchObject({
      id: ada.tenant.id,
      role: "owner",
    });
    const refusals = await Promise.all(
      [bo.tenant.slug, "nowhere", "", null, bo.tenant.id, `${ada.tenant.slug} `, "'; --"].map((slug) =>
        openTenant(ada, asMember(slug)).then(
          () => null,
          (error) => ({ code: error.code, message: error.message }),
        ),
      ),
    );
    expect(new Set(refusals.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(refusals[0]).toMatchObject({ code: "NOT_FOUND" });
  });

  test("nobody signed in is told to sign in; cron and webhooks open none", async () => {
    const ada = await tenant("ada");
    for (const actor of [
      { kind: "anonymous" },
      { kind: "cron", job: "reset" },
      { kind: "system", reason: "test" },
    ] as const) {
      const opened = openTenant(createCtx(runtime, actor), asMember(ada.tenant.slug));
      await expect(opened).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
  });

  test("a member who was removed is out with the next request, whatever the directory still says", async () => {
    const ada = await tenant("ada");
    await owner`delete from members where tenant_id = ${ada.tenant.id}`;
    await expect(openTenant(ada, asMember(ada.tenant.slug))).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await listTenants(ada)).toEqual([]);
  });

  test("a directory row that points at another's workspace opens nothing", async () => {
    const ada = await tenant("ada");
    const bo = await tenant("bo");
    if (ada.actor.kind !== "user") throw new Error("ada is a person");
    await owner`insert into member_directory values (${ada.actor.userId}, ${bo.tenant.id})`;
    expect((await listTenants(ada)).map((one) => one.id)).toEqual([ada.tenant.id]);
    await expect(openTenant(ada, asMember(bo.tenant.slug))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a deleted person is nobody", async () => {
    const ada = await tenant("ada");
    if (ada.actor.kind !== "user") throw new Error("ada is a person");
    await owner`delete from users where id = ${ada.actor.userId}`;
    await expect(me(ada)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(openTenant(ada, asMember(ada.tenant.slug))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("cron gets a tenant without a role", async () => {
    const ada = await tenant("ada", "Europe/Berlin");
    expect(await tenantById(ctx, ada.tenant.id)).toEqual({ ...ada.tenant, role: null });
  });
});

test("roles may do what the table says", () => {
  const table: Record<Permission, Role[]> = {
    "workspace:read": ["owner", "admin", "billing", "member"],
    "product:use": ["owner", "admin", "billing", "member"],
    "billing:read": ["owner", "admin", "billing"],
    "billing:write": ["owner", "admin", "billing"],
    "members:write": ["owner", "admin"],
    "keys:write": ["owner", "admin"],
  };
  for (const [permission, allowed] of Object.entries(table) as [Permission, Role[]][]) {
    const roles: Role[] = ["owner", "admin", "billing", "member"];
    expect(roles.filter((role) => mayDo(role, permission))).toEqual(allowed);
  }
});
