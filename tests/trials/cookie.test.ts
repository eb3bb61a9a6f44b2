import { describe, expect, test } from "vitest";
import { derivedKeys } from "@/lib/derived-keys";
import { newId } from "@/lib/ids";
import type { Runtime } from "@/server/context";
import { trialCookie, trialIdIn } from "@/server/trials/cookie";
import { TRIAL_DAYS } from "@/server/trials/rules";
import { TestClock } from "../support/clock";

const clock = new TestClock();
const secret = "0123456789abcdef0123456789abcdef";
const runtimeOf = (more: Partial<Runtime> = {}) =>
  ({ now: clock.now, appUrl: "https://app.test", keyFor: derivedKeys(secret), ...more }) as Runtime;
const runtime = runtimeOf();
const trialId = newId("visitor", clock.now());
const line = trialCookie(runtime, trialId);
const pair = line.split(";")[0]!;
const value = pair.slice(pair.indexOf("=") + 1);
const read = (cookie: string, as = runtime) => trialIdIn(as, new Headers({ cookie }));
const readValue = (text: string, as = runtime) => read(`__Host-tollgate.trial=${text}`, as);

test("the cookie names its trial, among others too", () => {
  expect(read(pair)).toBe(trialId);
  expect(read(`a=1; ${pair}; b=2`)).toBe(trialId);
});

test("scripts and other sites don't get it; on https it goes over https and to this host only", () => {
  expect(line.split("; ").slice(1)).toEqual([
    "Path=/",
    `Max-Age=${TRIAL_DAYS * 86_400}`,
    "HttpOnly",
    "SameSite=Lax",
    "Secure",
  ]);
  const local = trialCookie(runtimeOf({ appUrl: "http://localhost:3000" }), trialId);
  expect(local).toMatch(/^tollgate\.trial=/);
  expect(local).not.toContain("Secure");
});

test("it says the format, the trial and the day, and nothing of what is left", () => {
  expect(value.split(".").slice(0, 3)).toEqual(["v1", trialId, "2026-03-02"]);
  expect(value.split(".")).toHaveLength(4);
});

describe("a forged one is nobody's", () => {
  test("whichever of its characters is another one", () => {
    const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const read = [...value].flatMap((old, at) =>
      [...alphabet]
        .filter((other) => other !== old)
        .map((other) => readValue(value.slice(0, at) + other + value.slice(at + 1)))
        .filter((found) => found !== null),
    );
    expect(read).toEqual([]);
  });

  test.each([
    ["empty", ""],
    ["without its signature", value.split(".").slice(0, 3).join(".")],
    ["with an empty signature", `${value.split(".").slice(0, 3).join(".")}.`],
    ["with more behind it", `${value}.more`],
    ["of another version", value.replace("v1", "v2")],
    ["of another trial", value.replace(trialId, newId("visitor", clock.now()))],
    ["of another day", value.replace("2026-03-02", "2026-03-03")],
    ["in quotes", `"${value}"`],
    ["quite long", value.repeat(1_000)],
    ["something else", "%00%0a<script>"],
  ])("%s", (_how, text) => {
    expect(readValue(text)).toBeNull();
  });

  test("made with another secret, or with a key of another use", () => {
    expect(readValue(value, runtimeOf({ keyFor: derivedKeys(`${secret}!`) }))).toBeNull();
    expect(readValue(value, runtimeOf({ keyFor: () => derivedKeys(secret)("sessions") }))).toBeNull();
  });

  test("under another name", () => {
    expect(read(`tollgate.trial=${value}`)).toBeNull();
    expect(read(`x__Host-tollgate.trial=${value}`)).toBeNull();
  });
});

test("one that is older than a trial lasts is nobody's", () => {
  clock.advance({ days: TRIAL_DAYS });
  expect(read(pair)).toBe(trialId);
  clock.advance({ days: 1 });
  expect(read(pair)).toBeNull();
});
