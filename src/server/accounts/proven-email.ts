import { eq } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { users } from "./tables";

/**
 * A person's e-mail in lower case, when it was proven to be theirs: by a sign-in mail, or by the provider they signed up
 * with (see `verified-email.ts`). null otherwise: a provider linked later vouches for its own address, not for this one.
 */
export async function provenEmailOf(ctx: Ctx, userId: string): Promise<string | null> {
  const [row] = await inTransaction(ctx, (tx) =>
    tx
      .select({ email: users.email, verifiedAt: users.emailVerified })
      .from(users)
      .where(eq(users.id, userId)),
  );
  return row?.verifiedAt ? row.email.trim().toLowerCase() : null;
}
