import { sql } from "drizzle-orm";
import { createCtx, type Runtime } from "./context";
import { inTransaction } from "./db/transaction";

/** Whether the process can serve: the database answers. */
export async function isReady(runtime: Runtime): Promise<boolean> {
  try {
    await inTransaction(createCtx(runtime, { kind: "anonymous" }), (tx) => tx.execute(sql`select 1`));
    return true;
  } catch {
    return false;
  }
}
