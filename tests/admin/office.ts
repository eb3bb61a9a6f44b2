import { api, dataOf, errorOf, member } from "@tests/http/edge";
import type { World } from "@tests/support/world";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";

export const OPERATOR_EMAIL = "olga@run.test";

/** Olga runs the product: her deeds over HTTP, in workspaces that are not hers. */
export async function operatorOffice({ tenant, runtime, owner }: World) {
  const olga = await tenant("olga");
  // The mail box was proven in other letters than the setting has.
  await owner`update users set email = 'Olga@Run.Test', email_verified = now() where id = ${userOf(olga)}`;
  const { post, get } = api({ ...runtime, operatorEmails: [OPERATOR_EMAIL] });
  const on = (one: TenantCtx) => ({ ...member(olga), "x-workspace": one.tenant.slug });
  return {
    olga,
    actor: `operator:${userOf(olga)}`,
    post,
    get,
    on,
    act: async (one: TenantCtx, name: string, input: unknown) =>
      dataOf(await post(`operator.${name}`, on(one), input)),
    /** The code of the refusal. */
    refused: async (one: TenantCtx, name: string, input: unknown) => {
      const error = await errorOf(await post(`operator.${name}`, on(one), input));
      return error ? (error.data.appCode ?? error.data.code) : "done";
    },
    read: async (one: TenantCtx, name: string, input?: unknown) =>
      dataOf(await get(`operator.${name}`, on(one), input)),
    /** The audit rows of operators' deeds, the oldest first. */
    audits: (one: TenantCtx) =>
      owner<
        { action: string; actor: string; reason: string }[]
      >`select action, actor, details->>'reason' as reason from audit_events
        where tenant_id = ${one.tenant.id} and details ? 'key' order by id`.then((rows) => [...rows]),
  };
}

export const userOf = (one: TenantCtx) => (one.actor.kind === "user" ? one.actor.userId : "");

export const creditLots = async (one: TenantCtx) =>
  (await balance(one)).lots.map(({ kind, remaining }) => [kind, remaining]);
