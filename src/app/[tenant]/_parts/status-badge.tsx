import { Badge } from "@mantine/core";

const COLORS: Record<string, string> = { active: "fern", trialing: "blue", past_due: "red", unpaid: "red" };

/** A subscription's status in Stripe's word, readable. */
export function StatusBadge({ status }: { status: string }) {
  const words = status.replaceAll("_", " ");
  return <Badge color={COLORS[status] ?? "gray"}>{words.charAt(0).toUpperCase() + words.slice(1)}</Badge>;
}
