import { expect, test } from "vitest";
import { derivedKeys } from "@/lib/derived-keys";

const keyFor = derivedKeys("0123456789abcdef0123456789abcdef");

test("each use has a key of its own, which stays the same for the same secret", () => {
  const uses = ["trial-cookie", "trial-networks:2026-03-02", "trial-networks:2026-03-03"];
  const keys = uses.map((use) => keyFor(use).toString("hex"));
  expect(new Set(keys).size).toBe(3);
  expect(uses.map((use) => derivedKeys("0123456789abcdef0123456789abcdef")(use).toString("hex"))).toEqual(
    keys,
  );
  expect(derivedKeys("another secret of 32 characters!")("trial-cookie").toString("hex")).not.toBe(keys[0]);
});

test("the way they are derived does not change: it would end every trial there is", () => {
  expect(keyFor("trial-cookie").toString("hex")).toBe(
    "056e6bf1c740c523de629533922c423e8747670e30ef993343ef373d28e68eef",
  );
});
