import type { World } from "../world";
import { checkoutPage } from "./checkout";
import type { PageAnswer } from "./html";
import { invoicePage } from "./invoice";
import { portalPage } from "./portal";

/** Answers a page for people. @returns null when there is none at the path. */
export function answerPage(
  world: World,
  method: string,
  path: string,
  form: URLSearchParams,
): PageAnswer | null {
  return (
    checkoutPage(world, method, path, form) ??
    portalPage(world, method, path, form) ??
    invoicePage(world, method, path, form)
  );
}
