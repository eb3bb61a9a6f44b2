import type { CreditRules } from "@/lib/price-list";
import type { Debt } from "../ledger/debt";

const DAY_MS = 86_400_000;

/** Whether a tenant may go on that owes this. Nothing owed: always; by default no credit may be owed at all. */
export function mayOwe(policy: CreditRules["debt"], { owed, since }: Debt, now: Date): boolean {
  if (owed === 0 || since === null) return true;
  if (policy === undefined || policy === "block") return false;
  const { credits, days } = policy.allowUntil;
  return owed <= credits && now.getTime() < since.getTime() + days * DAY_MS;
}
