import { afterEach, expect, test, vi } from "vitest";
import { logError, redact } from "@/lib/log";

const CANARIES = [
  `tgk_${"0".repeat(26)}_canary-of-a-key`,
  "sk_live_canaryOfStripe",
  "whsec_canaryOfTheWebhook",
  "postgres://tollgate:canary-password@db:5432/tollgate",
  "smtp://user:canary-password@mail:587",
  "Authorization: Bearer canary.of.a.bearer",
  "/sign-in/confirm?token=canaryOfALink&email=canary%40example.com",
  "canary@example.com",
];

afterEach(() => vi.restoreAllMocks());

test.each(CANARIES)("%s does not reach the log", (canary) => {
  expect(redact(`before ${canary} after`)).not.toMatch(/canary/);
  expect(redact(`before ${canary} after`)).toMatch(/^before .* after$/);
});

test("an error is logged with its causes, without the values of a query and without secrets", () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  const driver = Object.assign(new Error("duplicate key"), { code: "23505" });
  const query = new Error("Failed query: insert into users values ($1)\nparams: canary@example.com,secret", {
    cause: driver,
  });
  logError("api runs.start", new Error(`could not call ${CANARIES[1]}`, { cause: { err: query } }));
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/canary|params|secret/);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: "error",
    where: "api runs.start",
    message: "could not call sk_live_…",
    causes: [
      { message: "Failed query: insert into users values ($1)" },
      { message: "duplicate key", code: "23505" },
    ],
  });
});

test("what is thrown without being an error is logged too", () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  logError("somewhere", "just text");
  logError("somewhere", undefined);
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["just text", "undefined"]);
});
