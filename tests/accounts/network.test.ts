import { expect, test } from "vitest";
import { clientAddress, networkOf, networksOf } from "@/server/accounts/network";

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

test.each([
  ["2001:db8:1:2f3e::1", ["2001:db8:1:2f3e::/64", "2001:db8:1:2f00::/56", "2001:db8:1::/48"]],
  ["2001:db8::1", ["2001:db8:0:0::/64", "2001:db8:0:0::/56", "2001:db8:0::/48"]],
  ["2001:db8:1:ff::1", ["2001:db8:1:ff::/64", "2001:db8:1:0::/56", "2001:db8:1::/48"]],
  ["203.0.113.9", ["203.0.113.9"]],
  ["::ffff:203.0.113.9", ["203.0.113.9"]],
  ["unknown", []],
  [null, []],
])("%s is inside %j", (address, networks) => {
  expect(networksOf(address)).toEqual(networks);
});

test("the 65,536 networks that a /48 can be cut into lie in 256 /56s and one /48", () => {
  const all = Array.from({ length: 65_536 }, (_, at) => networksOf(`2001:db8:1:${at.toString(16)}::9`));
  expect([0, 1, 2].map((at) => new Set(all.map((networks) => networks[at])).size)).toEqual([65_536, 256, 1]);
});

test("a forwarded address counts only in the header that was named, and only its last entry", () => {
  const headers = new Headers({ "x-forwarded-for": "198.51.100.1, 203.0.113.9", "x-real-ip": "192.0.2.1" });
  expect(clientAddress(headers, null)).toBeNull();
  expect(clientAddress(headers, "x-forwarded-for")).toBe("203.0.113.9");
  expect(clientAddress(headers, "cf-connecting-ip")).toBeNull();
});
