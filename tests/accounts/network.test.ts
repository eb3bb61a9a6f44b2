import { expect, test } from "vitest";
import { clientAddress, networkOf } from "@/server/accounts/network";

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["1:2:3:4:5:6:7.8.9.10", "1:2:3:4::/64"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([null, "", "unknown", "203.0.113", "203.0.113.9:80", "fe80::1%eth0", "<script>"])(
  "%j is no network",
  (address) => {
    expect(networkOf(address)).toBeNull();
  },
);

test("10,000 addresses of one /64 count as one", () => {
  const networks = Array.from({ length: 10_000 }, (_, at) => networkOf(`2001:db8:1:2::${at.toString(16)}`));
  expect(new Set(networks).size).toBe(1);
});

test("a forwarded address counts only in the header that was named, and only its last entry", () => {
  const headers = new Headers({ "x-forwarded-for": "198.51.100.1, 203.0.113.9", "x-real-ip": "192.0.2.1" });
  expect(clientAddress(headers, null)).toBeNull();
  expect(clientAddress(headers, "x-forwarded-for")).toBe("203.0.113.9");
  expect(clientAddress(headers, "cf-connecting-ip")).toBeNull();
});
