import { formatCount, formatUnits } from "@/components/format";
import type { Outputs } from "@/server/root";

type Entry = Outputs["credits"]["history"]["entries"][number];

const OPERATIONS: Record<string, string> = {
  grant: "Granted",
  consume: "Used",
  release: "Given back",
  adjust: "Adjusted",
  forfeit: "Forfeited at the reset",
  expire: "Expired",
};

const ACTORS: Record<string, string> = {
  user: "A member",
  api_key: "API key",
  webhook: "Payment",
  cron: "Schedule",
  system: "System",
};

/** Operations that leave the tenant with more. */
const GAINS = new Set(["grant", "release"]);

export function operationWords(operation: string): string {
  return OPERATIONS[operation] ?? operation;
}

/** `user:usr_…` → "A member". */
export function actorWords(actor: string): string {
  return ACTORS[actor.split(":")[0] ?? ""] ?? actor;
}

/** "+500" for what came in, "−40" for what went out; bytes are said as "+1 GB". */
export function signedUnits({ operation, units }: Entry, unit: string): string {
  const size = Math.abs(units);
  const figure = unit === "byte" ? formatUnits(size, unit) : formatCount(size);
  const gained = operation === "adjust" ? units >= 0 : GAINS.has(operation);
  return `${gained ? "+" : "−"}${figure}`;
}

/** Where the units of a use came from: "Allowance", "15 credits", or both. */
export function paidFrom({ operation, units, allowanceUnits, credits }: Entry): string {
  if (operation !== "consume") return "";
  const packs = units - allowanceUnits > 0 && credits === 0;
  return [
    allowanceUnits > 0 ? "Allowance" : "",
    credits > 0 ? `${formatCount(credits)} credits` : "",
    packs ? "Extra units" : "",
  ]
    .filter(Boolean)
    .join(" + ");
}
