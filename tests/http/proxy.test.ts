import { NextRequest } from "next/server";
import { afterEach, expect, test, vi } from "vitest";
import { config, proxy } from "@/proxy";

afterEach(() => vi.unstubAllEnvs());

const page = () => proxy(new NextRequest("http://app.test/ada"));
const policyOf = (response: Response) =>
  new Map(
    (response.headers.get("content-security-policy") ?? "").split("; ").map((directive) => {
      const [name = "", ...sources] = directive.split(" ");
      return [name, sources];
    }),
  );
const nonceOf = (response: Response) =>
  /'nonce-([^']+)'/.exec(policyOf(response).get("script-src")?.join(" ") ?? "")?.[1];

test("every page gets a nonce of its own, which the page itself is told", () => {
  const [first, second] = [page(), page()];
  expect(nonceOf(first)).toMatch(/^[\w+/]{22}==$/);
  expect(nonceOf(first)).not.toBe(nonceOf(second));
  expect(first.headers.get("x-middleware-request-x-nonce")).toBe(nonceOf(first));
  expect(first.headers.get("x-middleware-request-content-security-policy")).toBe(
    first.headers.get("content-security-policy"),
  );
});

test("in production no script runs without the nonce, and strings are not evaluated", () => {
  vi.stubEnv("NODE_ENV", "production");
  const response = page();
  const policy = policyOf(response);
  expect(policy.get("script-src")).toEqual(["'self'", `'nonce-${nonceOf(response)}'`, "'strict-dynamic'"]);
  expect(policy.get("connect-src")).toEqual(["'self'"]);
  expect(policy.get("object-src")).toEqual(["'none'"]);
  expect(policy.get("base-uri")).toEqual(["'none'"]);
  expect(policy.get("form-action")).toEqual(["'self'"]);
});

test("no page can be framed, sniffed, or named to another site", () => {
  const { headers } = page();
  expect(policyOf(page()).get("frame-ancestors")).toEqual(["'none'"]);
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(headers.get("strict-transport-security")).toMatch(/^max-age=(\d{8,})/);
});

test.each([
  ["/", true],
  ["/ada/billing", true],
  ["/sign-in/confirm", true],
  ["/apiary", true],
  ["/api/trpc/quota.status", false],
  ["/_next/static/chunks/a.js", false],
  ["/icon.svg", false],
])("the headers are set for %s: %s", (path, isSet) => {
  expect(new RegExp(`^${config.matcher[0]!.source}$`).test(path)).toBe(isSet);
});
