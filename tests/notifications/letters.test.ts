import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { prices } from "@/config/plans";
import { facts, factTypes } from "@/server/events/facts";
import type { About } from "@/server/notifications/letter";
import { letterMail } from "@/server/notifications/letter-mail";
import { exampleOf, letterOf, letters } from "@/server/notifications/letters";
import { previewLetters } from "@/server/notifications/preview";

const HOSTILE = `<img src=x onerror="alert(1)">&'\r\nBcc: eve@evil.test`;
const aboutNamed = (name: string): About => ({
  workspace: { name, slug: "ada", timeZone: "Europe/Paris" },
  prices,
  appUrl: "http://app.test",
  at: new Date("2026-11-21T09:00:00Z"),
});
const mailOf = (letter: ReturnType<typeof exampleOf>, workspace: string) =>
  letterMail(letter, {
    appName: "Tollgate",
    workspace,
    settingsUrl: "http://app.test/ada/settings",
    unsubscribeUrl: "http://app.test/end",
  });

describe.each(factTypes)("%s", (type) => {
  test("has a letter with one clear thing to do, in text and in HTML alike", () => {
    const letter = exampleOf(type, aboutNamed("Ada's"));
    const { subject, text, html } = mailOf(letter, "Ada's");
    expect(subject.length).toBeLessThan(110);
    for (const part of [letter.title, ...letter.paragraphs, letter.action.url]) expect(text).toContain(part);
    expect(html).toContain(letter.action.url);
    expect(`${text}${html}`).not.toMatch(/undefined|null|NaN|\[object|Invalid Date/);
  });

  test("can't be made to carry markup or headers by what people wrote", () => {
    const bad = spoiled(letters[type].example) as Record<string, unknown>;
    const { subject, html } = mailOf(letterOf(type, bad, aboutNamed(HOSTILE)), HOSTILE);
    expect(html).not.toContain("<img");
    expect(html).not.toContain('onerror="');
    expect(subject).not.toMatch(/[\r\n]/);
  });

  test("is made of facts of its own shape only", () => {
    expect(() => letterOf(type, {}, aboutNamed("Ada's"))).toThrow();
    expect(facts[type].safeParse(letters[type].example).success).toBe(true);
  });
});

/** Every text of the payload that may be anything is. */
function spoiled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spoiled);
  if (typeof value !== "object" || value === null) return value;
  const free = new Set([
    "feature",
    "orderId",
    "code",
    "message",
    "name",
    "number",
    "invoiceId",
    "plan",
    "from",
    "to",
  ]);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) =>
      typeof one === "string" && free.has(key) ? [key, HOSTILE] : [key, spoiled(one)],
    ),
  );
}

test("what SQL writes into the outbox is a type that there is a letter for", () => {
  const found = readdirSync("src/server", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sql") && !file.includes("migrations"))
    .flatMap((file) =>
      [
        ...readFileSync(`src/server/${file}`, "utf8").matchAll(
          /insert into outbox \([^)]*\)[\s\S]*?'([a-z]+\.[a-z_]+)',/g,
        ),
      ].map((match) => match[1]),
    );
  expect(found.length).toBeGreaterThan(1);
  for (const type of found) expect(factTypes).toContain(type);
});

test("the preview shows every letter", async () => {
  const runtime = { prices, appUrl: "http://app.test", now: () => new Date("2026-11-21T09:00:00Z") };
  const page = await previewLetters(runtime as never).text();
  for (const type of factTypes) expect(page).toContain(type);
});
