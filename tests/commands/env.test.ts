import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseEnv, variableNames } from "@/env";

const complete = {
  NODE_ENV: "production",
  APP_URL: "https://app.example.com",
  DATABASE_URL: "postgres://app:dbpassword@db.example.com/tollgate",
  STRIPE_SECRET_KEY: "sk_live_51abc",
  STRIPE_WEBHOOK_SECRET: "whsec_abc",
  SMTP_URL: "smtps://mail:mailpassword@mail.example.com",
  MAIL_FROM: "Tollgate <billing@example.com>",
  AUTH_SECRET: "0123456789abcdef0123456789abcdef",
};

function messageFor(changes: Record<string, string | undefined>): string {
  try {
    parseEnv({ ...complete, ...changes });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("a production start", () => {
  test("with everything set is accepted, and nothing is simulated", () => {
    const env = parseEnv(complete);
    expect(env.simulated).toEqual({ stripe: false, mail: false, database: false });
    expect(env.DATABASE_OWNER_URL).toBe(complete.DATABASE_URL);
  });

  test("with nothing set names every required variable in one message", () => {
    const message = (() => {
      try {
        parseEnv({ NODE_ENV: "production" });
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    })();
    const named = [...message.matchAll(/^ {2}(\w+) is missing/gm)].map((match) => match[1]);
    expect(named).toEqual(
      Object.keys(complete)
        .filter((name) => name !== "NODE_ENV")
        .sort(),
    );
  });

  test.each([
    ["APP_URL", "app.example.com"],
    ["APP_URL", "https://app.example.com/path"],
    ["APP_URL", "http://app.example.com"],
    ["DATABASE_URL", "mysql://db.example.com"],
    ["STRIPE_SECRET_KEY", "pk_live_51abc"],
    ["STRIPE_WEBHOOK_SECRET", "secret"],
    ["SMTP_URL", "mail.example.com"],
    ["MAIL_FROM", "Tollgate <billing>"],
    ["MAIL_FROM", "a@example.com\r\nBcc: b@example.com"],
    ["AUTH_SECRET", "short"],
    ["CRON_SECRET", "short"],
    ["NODE_ENV", "staging"],
  ])("%s=%s is called malformed", (name, value) => {
    expect(messageFor({ [name]: value })).toContain(`  ${name} is malformed`);
  });

  test("names missing, malformed and half given variables together", () => {
    const message = messageFor({ SMTP_URL: undefined, AUTH_SECRET: "short", AUTH_GITHUB_ID: "id" });
    expect(message.split("\n")).toEqual([
      "Tollgate cannot start: 3 environment variables need attention.",
      expect.stringContaining("AUTH_GITHUB_SECRET is missing"),
      expect.stringContaining("AUTH_SECRET is malformed"),
      expect.stringContaining("SMTP_URL is missing"),
    ]);
  });

  test("never shows a value", () => {
    const canaries = Object.fromEntries(variableNames.map((name) => [name, `canary ${name.toLowerCase()}`]));
    const message = messageFor({ ...canaries, NODE_ENV: "production" });
    expect(message).toContain("STRIPE_SECRET_KEY is malformed");
    expect(message).not.toContain("canary");
  });

  test("refuses everything that belongs to the simulators", () => {
    const message = messageFor({
      STRIPE_API_URL: "http://localhost:12111",
      STRIPE_SECRET_KEY: "sk_test_sim_local",
      MAILBOX_URL: "http://localhost:8025",
      TOLLGATE_EMBEDDED_DATABASE: "1",
      TOLLGATE_CLOCK: ".data/clock.json",
      TOLLGATE_PRICES: "prices.json",
    });
    const local = [
      "STRIPE_API_URL",
      "STRIPE_SECRET_KEY",
      "MAILBOX_URL",
      "TOLLGATE_EMBEDDED_DATABASE",
      "TOLLGATE_CLOCK",
      "TOLLGATE_PRICES",
    ];
    for (const name of local) {
      expect(message).toContain(`  ${name} is refused in production`);
    }
  });
});

describe("pairs and combinations", () => {
  test.each(["GITHUB", "GOOGLE"])("AUTH_%s needs both its id and its secret, or neither", (provider) => {
    expect(messageFor({ [`AUTH_${provider}_ID`]: "id" })).toContain(`AUTH_${provider}_SECRET is missing`);
    expect(messageFor({ [`AUTH_${provider}_SECRET`]: "s" })).toContain(`AUTH_${provider}_ID is missing`);
    expect(messageFor({ [`AUTH_${provider}_ID`]: "id", [`AUTH_${provider}_SECRET`]: "s" })).toBe("");
  });

  test("a live key never goes to a simulator, not in development either", () => {
    const local = { NODE_ENV: "development", STRIPE_API_URL: "http://localhost:12111" };
    expect(messageFor(local)).toContain("STRIPE_API_URL is refused");
    expect(messageFor({ ...local, STRIPE_SECRET_KEY: "rk_live_1" })).toContain("STRIPE_API_URL is refused");
    expect(messageFor({ ...local, STRIPE_SECRET_KEY: "sk_test_sim_local" })).toBe("");
  });
});

describe("development", () => {
  test("has an address and a sender by default, and says what is simulated", () => {
    const env = parseEnv({
      ...complete,
      NODE_ENV: undefined,
      APP_URL: "",
      MAIL_FROM: " ",
      STRIPE_SECRET_KEY: "sk_test_sim_local",
      STRIPE_API_URL: "http://localhost:12111",
      MAILBOX_URL: "http://localhost:8025",
      TOLLGATE_EMBEDDED_DATABASE: "1",
    });
    expect(env).toMatchObject({ NODE_ENV: "development", APP_URL: "http://localhost:3000" });
    expect(env.MAIL_FROM).toContain("@");
    expect(env.simulated).toEqual({ stripe: true, mail: true, database: true });
  });

  test("an empty string counts as unset, and an origin loses its last slash", () => {
    const env = parseEnv({
      ...complete,
      APP_URL: "https://app.example.com/",
      CRON_SECRET: "",
      AUTH_GITHUB_ID: "",
    });
    expect(env.CRON_SECRET).toBeUndefined();
    expect(env.APP_URL).toBe("https://app.example.com");
  });
});

test(".env.example has exactly the variables that the app reads, each below one comment line", async () => {
  const lines = (await readFile(".env.example", "utf8")).trimEnd().split("\n");
  expect(lines.filter((_line, index) => index % 2 === 1)).toEqual(variableNames.map((name) => `${name}=`));
  for (const comment of lines.filter((_line, index) => index % 2 === 0)) expect(comment).toMatch(/^# \S/);
});
