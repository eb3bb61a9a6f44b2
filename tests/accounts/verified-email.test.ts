import { expect, test } from "vitest";
import { isVerifiedEmail } from "@/server/accounts/verified-email";

const EMAILS = [
  { email: "ada@example.com", verified: true, primary: true },
  { email: "victim@example.com", verified: false, primary: false },
];
const asked: string[] = [];
const answering = (status: number, body: unknown) => async (url: unknown, init?: RequestInit) => {
  asked.push(`${url} ${new Headers(init?.headers).get("authorization")}`);
  return Response.json(body, { status });
};
const github = (email: unknown, accessToken: string | undefined = "token") => ({
  provider: "github",
  email,
  verified: undefined,
  accessToken,
});

test("GitHub is asked for the addresses it has checked, and only those count", async () => {
  expect(await isVerifiedEmail(github("ada@example.com"), answering(200, EMAILS))).toBe(true);
  expect(asked).toEqual(["https://api.github.com/user/emails Bearer token"]);
  expect(await isVerifiedEmail(github("victim@example.com"), answering(200, EMAILS))).toBe(false);
  expect(await isVerifiedEmail(github("other@example.com"), answering(200, EMAILS))).toBe(false);
});

test.each([
  ["refuses", 403, EMAILS],
  ["fails", 500, { message: "down" }],
  ["answers something else", 200, { email: "ada@example.com", verified: true }],
  ["answers nothing", 200, [null]],
])("when GitHub %s, nobody is let in", async (_how, status, body) => {
  expect(await isVerifiedEmail(github("ada@example.com"), answering(status, body))).toBe(false);
});

test.each([
  [true, true],
  [false, false],
  ["true", false],
  [undefined, false],
])("Google's word on an address, %j, means %j", async (verified, expected) => {
  const claim = { provider: "google", email: "ada@example.com", verified, accessToken: "token" };
  expect(await isVerifiedEmail(claim, answering(500, null))).toBe(expected);
});

test("without an address, a token or a known provider nobody is let in", async () => {
  const nobody = [
    github(null),
    github(undefined),
    { ...github("ada@example.com"), accessToken: undefined },
    { provider: "unknown", email: "ada@example.com", verified: true, accessToken: "token" },
  ];
  for (const claim of nobody) expect(await isVerifiedEmail(claim, answering(200, EMAILS))).toBe(false);
});
