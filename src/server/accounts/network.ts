import { isIPv4, isIPv6 } from "node:net";

/** How much of an IPv6 address one customer is given: 4 groups, a /64. */
const GROUPS = 4;

/**
 * The network that an address counts as: an IPv4 address itself, and the /64 of an IPv6 address, since whoever has
 * one of its 2^64 addresses has them all. null for anything that is no address.
 */
export function networkOf(address: string | null): string | null {
  const text = address?.trim() ?? "";
  if (isIPv4(text)) return text;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped && isIPv4(mapped)) return mapped;
  if (!isIPv6(text) || text.includes("%")) return null;
  return `${groupsOf(text).slice(0, GROUPS).join(":")}::/64`;
}

/**
 * The client's address, from the header that the operator's own proxy sets. A proxy appends to what it was sent,
 * so only the last entry is its word. Without such a header nobody's word counts.
 */
export function clientAddress(headers: Headers, trustedHeader: string | null): string | null {
  if (!trustedHeader) return null;
  return headers.get(trustedHeader)?.split(",").at(-1)?.trim() ?? null;
}

function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = !tail ? [] : tail.split(":");
  // A dotted end stands for two groups.
  const written = before.length + after.length + (address.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - written;
  return [...before, ...Array.from({ length: zeros }, () => "0"), ...after].map((group) =>
    group.replace(/^0+(?=.)/, "").toLowerCase(),
  );
}
