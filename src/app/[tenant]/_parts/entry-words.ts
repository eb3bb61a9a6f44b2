import { formatCount, formatUnits } from "@/components/format";
import type { Outputs } from "@/server/root";

type Entry = Outputs["credits"]["ledger"]["entries"][number];

const OPERATIONS: Record<string, string> = {
  grant: "Granted",
  consume: "Used",
  hold: "Set aside",
  commit: "Really used",
  release: "Given back",
  refund: "Refunded",
  adjust: "Adjusted",
  forfeit: "Forfeited at the reset",
  expire: "Expired",
  deny: "Refused",
  revoke: "Taken back",
  repay: "Paid off a debt",
  brought_forward: "Brought forward",
};

const ACTORS: Record<string, string> = {
  user: "A member",
  api_key: "API key",
  webhook: "Payment",
  cron: "Schedule",
  system: "System",
  operator: "The operator",
};

/** Operations that leave the tenant with more. */
const GAINS = new Set(["grant", "release", "refund"]);
/** What is only recorded: its units were counted elsewhere, or not at all. */
const NEITHER = new Set(["commit", "deny", "brought_forward"]);

export function operationWords(operation: string): string {
  return OPERATIONS[operation] ?? operation;
}

/** `user:usr_…` → "A member". */
export function actorWords(actor: string): string {
  return ACTORS[actor.split(":")[0] ?? ""] ?? actor;
}

/** "+500" for what came in, "−40" for what went out, "40" for what is only recorded; bytes are said as "+1 GB". */
export function signedUnits({ operation, units }: Entry, unit: string): string {
  const size = Math.abs(units);
  const figure = unit === "byte" ? formatUnits(size, unit) : formatCount(size);
  if (NEITHER.has(operation)) return figure;
  const gained = operation === "adjust" ? units >= 0 : GAINS.has(operation);
  return `${gained ? "+" : "−"}${figure}`;
}

/** Where the units of a use came from: "Allowance", "15 credits", or both. */
export function paidFrom({ operation, allowanceUnits, lotUnits, credits, overUnits }: Entry): string {
  if (operation !== "consume" && operation !== "hold") return "";
  return [
    allowanceUnits > 0 ? "Allowance" : "",
    lotUnits > 0 ? "Extra units" : "",
    credits > 0 ? formatUnits(credits, "credit") : "",
    overUnits > 0 ? "Past the limit" : "",
  ]
    .filter(Boolean)
    .join(" + ");
}
