import { Badge } from "@mantine/core";

const COLORS: Record<string, string> = { paid: "fern", open: "yellow" };

/** An invoice's state in Stripe's word. */
export function InvoiceBadge({ status }: { status: string }) {
  return <Badge color={COLORS[status] ?? "gray"}>{status.charAt(0).toUpperCase() + status.slice(1)}</Badge>;
}
