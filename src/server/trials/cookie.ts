import { createHmac, timingSafeEqual } from "node:crypto";
import type { Runtime } from "../context";
import { daysLater, TRIAL_DAYS, utcDay } from "./rules";

type Keys = Pick<Runtime, "keyFor">;

const FORMAT = /^v1\.(vis_[0-9a-z]{26})\.(\d{4}-\d{2}-\d{2})\.([\w-]{43})$/;
const DAY_SECONDS = 86_400;

/** `__Host-`: a browser takes it over https only, and from this very host only. */
export function trialCookieName(appUrl: string): string {
  return `${appUrl.startsWith("https:") ? "__Host-" : ""}tollgate.trial`;
}

/** The whole `Set-Cookie` line. It names the trial and the day it began; what is left of it stays in the database. */
export function trialCookie(ctx: Runtime, trialId: string): string {
  const payload = `v1.${trialId}.${utcDay(ctx.now())}`;
  const parts = [
    `${trialCookieName(ctx.appUrl)}=${payload}.${signature(ctx, payload)}`,
    "Path=/",
    `Max-Age=${TRIAL_DAYS * DAY_SECONDS}`,
    "HttpOnly",
    "SameSite=Lax",
    ...(ctx.appUrl.startsWith("https:") ? ["Secure"] : []),
  ];
  return parts.join("; ");
}

/** The trial that a request's cookie names, or null: without one, when it is forged, and when it is long over. */
export function trialIdIn(ctx: Runtime, headers: Headers): string | null {
  const name = trialCookieName(ctx.appUrl);
  const pairs = (headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const [, trialId, day, given] = FORMAT.exec(value) ?? [];
  if (!trialId || !day || !given) return null;
  const expected = signature(ctx, `v1.${trialId}.${day}`);
  // As text, not as bytes: the last character has room for spellings that decode to the same.
  if (!timingSafeEqual(Buffer.from(given), Buffer.from(expected))) return null;
  const oldest = utcDay(daysLater(ctx.now(), -TRIAL_DAYS));
  return day >= oldest ? trialId : null;
}

function signature({ keyFor }: Keys, payload: string): string {
  return createHmac("sha256", keyFor("trial-cookie")).update(payload).digest("base64url");
}
