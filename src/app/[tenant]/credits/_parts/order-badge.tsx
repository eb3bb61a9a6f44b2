import { Badge } from "@mantine/core";
import type { Outputs } from "@/server/root";

type Status = Outputs["billing"]["order"]["status"];

const STATES: Record<Status, readonly [color: string, label: string]> = {
  open: ["gray", "Not paid"],
  fulfilled: ["fern", "Paid"],
  partially_refunded: ["yellow", "Partly refunded"],
  refunded: ["gray", "Refunded"],
  disputed: ["red", "Disputed"],
  expired: ["gray", "Expired"],
  failed: ["red", "Failed"],
};

export function OrderBadge({ status }: { status: Status }) {
  const [color, label] = STATES[status];
  return <Badge color={color}>{label}</Badge>;
}
