import { isIPv4, isIPv6 } from "node:net";

/** What may be in one hand: a customer is given a /64, a household or small site a /56, a company a /48. */
const PREFIXES = [64, 56, 48] as const;
const GROUP_BITS = 16;

/**
 * The network that an address counts as: an IPv4 address itself, and the /64 of an IPv6 address, since whoever has
 * one of its 2^64 addresses has them all. null for anything that is no address.
 */
export function networkOf(address: string | null): string | null {
  return networksOf(address)[0] ?? null;
}

/**
 * The same and the wider ones around it, which may be in one hand too: /64, /56, /48. An IPv4 address stands
 * alone. Empty for anything that is no address.
 */
export function networksOf(address: string | null): string[] {
  const text = address?.trim() ?? "";
  if (isIPv4(text)) return [text];
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped && isIPv4(mapped)) return [mapped];
  if (!isIPv6(text) || text.includes("%")) return [];
  const groups = groupsOf(text);
  return PREFIXES.map((bits) => prefixOf(groups, bits));
}

function prefixOf(groups: string[], bits: number): string {
  const kept = groups.slice(0, Math.ceil(bits / GROUP_BITS));
  const spare = kept.length * GROUP_BITS - bits;
  const last = (Number.parseInt(kept.at(-1) ?? "0", 16) >> spare) << spare;
  return `${[...kept.slice(0, -1), last.toString(16)].join(":")}::/${bits}`;
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
