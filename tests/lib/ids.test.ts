import { expect, test } from "vitest";
import { firstId, newId } from "@/lib/ids";

const at = new Date("2026-03-02T09:00:00.000Z");

test("ids made in one millisecond are all different and sort in the order they were made", () => {
  const ids = Array.from({ length: 100_000 }, () => newId("entry", at));
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});

test("ids of one millisecond keep their order also when other instants come between them", () => {
  const ids = Array.from({ length: 1_000 }, (_, made) => {
    newId("entry", new Date(at.getTime() + 1 + (made % 7)));
    return newId("lot", at);
  });
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

test("the first id of an instant stands between what was made before it and what is made from it on", () => {
  for (const ms of [1, 999, 1_772_442_000_000, 1_772_442_000_001, 2 ** 47]) {
    const [before, from] = [new Date(ms - 1), new Date(ms)];
    const border = firstId("entry", from);
    for (let made = 0; made < 1_000; made += 1) expect(newId("entry", before) < border).toBe(true);
    expect(border < newId("entry", from)).toBe(true);
    expect(border).toHaveLength(newId("entry", from).length);
  }
});

test("what the gate writes on the way to a call, beside the call's own id, is on the same side of the border", () => {
  const id = newId("entry", at);
  const onTheWay = `${id.slice(0, -1)}-f`;
  expect(firstId("entry", at) < onTheWay && onTheWay < id).toBe(true);
});
