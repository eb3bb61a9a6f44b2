import { world as anyWorld, type World } from "@tests/support/world";
import { newId } from "@/lib/ids";
import { users } from "@/server/accounts/tables";
import { createCtx, type Role, type TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import type { Facts, FactType } from "@/server/events/facts";
import { tell } from "@/server/events/service";

export const FROM = "Tollgate <billing@tollgate.test>";

export interface Stage extends World {
  /** Makes somebody a member of the workspace, and acts as them. */
  join(workspace: TenantCtx, name: string, role: Role): Promise<TenantCtx & { email: string }>;
  /** Facts of credits that fell below their mark, told in a transaction each. */
  lowCredits(workspace: TenantCtx, count: number): Promise<void>;
  tellFact<T extends FactType>(workspace: TenantCtx, type: T, payload: Facts[T]): Promise<void>;
  emailOf(workspace: TenantCtx): Promise<string>;
}

export async function stage(smtpUrl: string): Promise<Stage> {
  const world = await anyWorld();
  const mail = { smtpUrl, from: FROM };
  const { owner, clock } = world;
  const runtime = { ...world.runtime, mail };
  const ctx = { ...world.ctx, mail };
  let facts = 0;
  const tellFact: Stage["tellFact"] = async (workspace, type, payload) => {
    facts += 1;
    await inTenant(workspace, (_tx, inner) => tell(inner, { type, fact: `${type}:${facts}`, payload }));
  };
  return {
    ...world,
    runtime,
    ctx,
    tenant: async (name, zone) => ({ ...(await world.tenant(name, zone)), mail }),
    tellFact,
    lowCredits: async (workspace, count) => {
      for (let n = 0; n < count; n += 1) await tellFact(workspace, "credits.low", { left: n, lowAt: 1_000 });
    },
    join: async (workspace, name, role) => {
      const userId = newId("user", clock.now());
      const email = `${userId}@${name}.test`;
      await ctx.db.orm.insert(users).values({ id: userId, email, name, createdAt: clock.now() });
      await owner`insert into members values (${workspace.tenant.id}, ${userId}, ${role}, now())`;
      await owner`insert into member_directory values (${userId}, ${workspace.tenant.id})`;
      const actor = { kind: "user" as const, userId };
      return { ...createCtx(runtime, actor), tenant: { ...workspace.tenant, role }, email };
    },
    emailOf: async ({ actor }) => {
      const userId = actor.kind === "user" ? actor.userId : "";
      const [row] = await owner`select email from users where id = ${userId}`;
      return String(row?.email);
    },
  };
}
