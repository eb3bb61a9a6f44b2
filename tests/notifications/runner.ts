import Stripe from "stripe";
import { prices } from "@/config/plans";
import { derivedKeys } from "@/lib/derived-keys";
import { createCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { notify } from "@/server/notifications/jobs";

/** A process that runs the job once: to be killed. */
const { RUNNER_DATABASE = "", RUNNER_SMTP = "", RUNNER_NOW = "" } = process.env;
const runtime = {
  db: openDatabase(RUNNER_DATABASE),
  now: () => new Date(RUNNER_NOW),
  prices,
  stripe: new Stripe("sk_test_sim_nobody", { host: "127.0.0.1", port: 1, protocol: "http" }),
  appUrl: "http://app.test",
  keyFor: derivedKeys("a secret of the tests' own, of 40 characters"),
  clientAddressHeader: null,
  mail: { smtpUrl: RUNNER_SMTP, from: "Tollgate <billing@tollgate.test>" },
};
await notify(createCtx(runtime, { kind: "cron", job: "notifications" }));
await runtime.db.close();
