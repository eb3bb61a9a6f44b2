import { eq } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { oauthAccounts, users } from "./tables";

/**
 * A person's e-mail in lower case, when it was proven to be theirs: by a sign-in mail, or by a provider that checked it
 * (nobody signs in by one that did not, see `verified-email.ts`). null otherwise.
 */
export async function provenEmailOf(ctx: Ctx, userId: string): Promise<string | null> {
  const [row] = await inTransaction(ctx, (tx) =>
    tx
      .select({ email: users.email, byMail: users.emailVerified, byProvider: oauthAccounts.provider })
      .from(users)
      .leftJoin(oauthAccounts, eq(oauthAccounts.userId, users.id))
      .where(eq(users.id, userId))
      .limit(1),
  );
  return row && (row.byMail || row.byProvider) ? row.email.trim().toLowerCase() : null;
}
