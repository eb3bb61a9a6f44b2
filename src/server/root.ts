import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { accountsRouter } from "./accounts/router";
import { operatorRouter } from "./admin/router";
import { billingRouter } from "./billing/router";
import { creditsRouter } from "./credits/router";
import { channelsRouter, runsRouter } from "./demo/router";
import { quotaRouter } from "./guard/router";
import { notificationsRouter } from "./notifications/router";
import { trialsRouter } from "./trials/router";
import { createCallerFactory, router } from "./trpc";

/** Every slice that speaks to the outside, one line each. */
export const appRouter = router({
  accounts: accountsRouter,
  quota: quotaRouter,
  credits: creditsRouter,
  billing: billingRouter,
  trials: trialsRouter,
  notifications: notificationsRouter,
  operator: operatorRouter,
  runs: runsRouter,
  channels: channelsRouter,
});

export type AppRouter = typeof appRouter;
export type Inputs = inferRouterInputs<AppRouter>;
export type Outputs = inferRouterOutputs<AppRouter>;

export const createCaller = createCallerFactory(appRouter);
