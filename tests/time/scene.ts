import { type Stage, stage } from "@tests/support/stage";
import { afterAll } from "vitest";
import { jobs } from "@/server/jobs";
import { simulatorAt } from "@/server/time/simulator";
import type { World } from "@/server/time/travel";
import { startMailCatcher } from "@/simulator/mail/catcher";

/** A stage with mail, whose clock a time machine may move. */
export async function timeScene(
  start: string,
): Promise<Stage & { world: World; mailUrl: string; stops: Date[] }> {
  const made = await stage({ start });
  const mail = await startMailCatcher({ now: made.clock.now });
  afterAll(() => mail.close());
  const stops: Date[] = [];
  const clock = {
    hold: (at: Date) => {
      if (at < made.clock.now()) throw new Error("Time went back.");
      made.clock.set(at);
      stops.push(at);
    },
    release: () => undefined,
  };
  const ctx = { ...made.ctx, mail: { smtpUrl: mail.smtpUrl, from: "Tollgate <hello@tollgate.test>" } };
  return {
    ...made,
    stops,
    mailUrl: mail.url,
    world: {
      ctx,
      clock,
      jobs,
      aboutStripe: new Set(["reconcile"]),
      simulator: simulatorAt(made.simulator.url),
    },
  };
}
