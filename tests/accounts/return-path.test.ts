import { expect, test } from "vitest";
import { returnPath } from "@/server/accounts/return-path";

const ORIGIN = "https://app.test";

test.each([
  ["/", "/"],
  ["/ada/billing", "/ada/billing"],
  ["/ada?tab=keys#new", "/ada?tab=keys#new"],
  ["https://app.test/ada/usage", "/ada/usage"],
  ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
  ["/ada/../bo", "/bo"],
  ["/@evil.example", "/@evil.example"],
])("%j leads to %j, on our own origin", (wanted, path) => {
  expect(returnPath(wanted, ORIGIN)).toBe(path);
});

test.each([
  undefined,
  null,
  42,
  "",
  "ada",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "\\/evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/a/..//evil.example",
  "https:evil",
  "https:/evil.example",
  "https://evil.example",
  "https://evil.example/https://app.test/",
  "https://app.test.evil.example/",
  "https://app.test@evil.example/",
  "https://app.test:x@evil.example/",
  "https://app.test\\@evil.example/",
  "https://app.test//evil.example",
  "https://app.test:8443/ada",
  "http://app.test/ada",
  "HTTPS://APP.TEST//evil.example",
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "%2F%2Fevil.example",
  `/${"a".repeat(3_000)}`,
])("%j leads home", (wanted) => {
  expect(returnPath(wanted, ORIGIN)).toBe("/");
});
