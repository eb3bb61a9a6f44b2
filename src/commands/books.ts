import { createCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { runtime } from "@/server/runtime";
import { loadRunningEnvironment } from "./dev/files";

loadRunningEnvironment();

/** `npm run books`: proves that the books balance, or lists every breach and exits with 1. Reads only. */
const ctx = createCtx(runtime(), { kind: "system", reason: "books" });
const breaches = await verifyBooks(ctx);
for (const { invariant, tenantId, subject, detail } of breaches)
  console.error(`${invariant}  ${tenantId}  ${subject}  ${detail}`);
console.log(breaches.length === 0 ? "The books balance." : `${breaches.length} breach(es).`);
await ctx.db.close();
process.exit(breaches.length === 0 ? 0 : 1);
