import { api, errorOf, member, ORIGIN } from "@tests/http/edge";
import { world } from "@tests/support/world";
import { describe, expect, test } from "vitest";
import { createApiKey } from "@/server/accounts/api-keys";
import { appRouter } from "@/server/root";
import { OPERATOR_EMAIL, operatorOffice, userOf } from "./office";

const made = await world();
const { tenant, owner } = made;
const { post, get, on, olga } = await operatorOffice(made);

type Procedure = { _def: { type: "query" | "mutation" } };
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, Procedure>).filter(
  ([path]) => path.startsWith("operator."),
);
/** Who is let in learns that this input is no good; nothing is ever done. */
async function knock(path: string, headers: Record<string, string>) {
  const type = procedures.find(([name]) => name === path)![1]._def.type;
  const input = { nobodyKnowsThisField: true };
  const { data } = (await errorOf(
    await (type === "query" ? get(path, headers, input) : post(path, headers, input)),
  )) ?? { data: null };
  return data?.appCode ?? data?.httpStatus;
}

describe("of all that operators may do", async () => {
  const ada = await tenant("ada");
  const eve = await tenant("eve");
  // The same mailbox in other letters, which nobody proved.
  await owner`update users set email = 'OLGA@run.test' where id = ${userOf(eve)}`;
  const { key } = await createApiKey(olga, { name: "server" });
  const bearer = { authorization: `Bearer ${key}` };

  test.each(procedures)("%s: nobody but the person with the proven e-mail", async (path) => {
    const workspace = { "x-workspace": ada.tenant.slug };
    const knocks = {
      nobody: await knock(path, { origin: ORIGIN, ...workspace }),
      ownerOfTheWorkspace: await knock(path, member(ada)),
      unproven: await knock(path, { ...member(eve), ...workspace }),
      operatorsKey: await knock(path, bearer),
      operatorsKeyAndCookie: await knock(path, { ...on(olga), ...bearer }),
    };
    expect(knocks).toEqual({
      nobody: "UNAUTHENTICATED",
      ownerOfTheWorkspace: "FORBIDDEN",
      unproven: "FORBIDDEN",
      operatorsKey: "FORBIDDEN",
      operatorsKeyAndCookie: "FORBIDDEN",
    });
    // Without an app code: it never came to a procedure.
    expect(
      await knock(path, { ...on(ada), origin: "https://evil.test", "sec-fetch-site": "cross-site" }),
    ).toBe(403);
    expect(["UNAUTHENTICATED", "FORBIDDEN"]).not.toContain(await knock(path, on(ada)));
  });
});

test("a workspace that is not there, or is no more, is not found", async () => {
  const gone = await tenant("dan");
  await owner`delete from tenants where tenant_id = ${gone.tenant.id}`;
  const grant = { credits: 1, kind: "promo", reason: "r", key: "gone" };
  for (const slug of [gone.tenant.slug, "nowhere", ""]) {
    const answer = await errorOf(
      await post("operator.grant", { ...member(olga), "x-workspace": slug }, grant),
    );
    expect(answer?.data.appCode).toBe("NOT_FOUND");
  }
  expect(await owner`select 1 from operator_deeds where key = 'gone'`).toEqual([]);
});

test("whoever is struck off the list is no operator with the next process", async () => {
  for (const operatorEmails of [undefined, [], ["else@run.test"], [`${OPERATOR_EMAIL}.evil.test`]]) {
    const { get: ask } = api({ ...made.runtime, operatorEmails });
    expect((await errorOf(await ask("operator.codes", on(olga))))?.data.appCode).toBe("FORBIDDEN");
  }
});
