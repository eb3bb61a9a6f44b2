import { env } from "@/env";
import { createCtx } from "./context";
import { AppError } from "./errors";
import { jobs } from "./jobs";
import { hasTimeMachine, oneClock } from "./one-clock";
import { runtime } from "./runtime";
import { TimeMachine } from "./time/machine";
import { simulatorAt } from "./time/simulator";

const globals = globalThis as { tollgateTimeMachine?: TimeMachine };

/**
 * The time machine of `npm run dev`, made at the first call; kept on globalThis, since `next dev` reloads modules.
 * @throws AppError NOT_FOUND in production, and where Stripe's clock can't be moved: with an account of one's own
 */
export function timeMachine(): TimeMachine {
  if (!hasTimeMachine()) throw new AppError("NOT_FOUND", "There is no time machine here.");
  globals.tollgateTimeMachine ??= new TimeMachine({
    ctx: createCtx(runtime(), { kind: "system", reason: "time machine" }),
    clock: oneClock(env.TOLLGATE_CLOCK ?? ""),
    simulator: simulatorAt(env.STRIPE_API_URL ?? ""),
    jobs,
    aboutStripe: new Set(["reconcile"]),
  });
  return globals.tollgateTimeMachine;
}
