import { expect, test } from "vitest";
import { newId } from "@/lib/ids";

const at = new Date("2026-03-02T09:00:00.000Z");

test("ids made in one millisecond are all different and sort in the order they were made", () => {
  const ids = Array.from({ length: 100_000 }, () => newId("entry", at));
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});

test("a later instant sorts after an earlier one, whatever was made in between", () => {
  const early = newId("lot", at);
  const late = newId("lot", new Date(at.getTime() + 1));
  expect(early < late).toBe(true);
  expect(newId("lot", at) < late).toBe(true);
});

test("an id is its kind's prefix and 26 characters that need no quoting anywhere", () => {
  expect(newId("tenant", at)).toMatch(/^ten_[0-9a-hjkmnp-tv-z]{26}$/);
});
