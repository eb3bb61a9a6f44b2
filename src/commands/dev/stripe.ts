import { oneClock } from "@/server/one-clock";
import { stripeHandlers } from "@/server/sync/handlers";
import { startStripeSimulator } from "@/simulator/stripe/server";
import { type Environment, finished, type Service } from "./services";

const SIMULATOR_KEY = "sk_test_sim_local";

/** Stripe: the account of STRIPE_SECRET_KEY, or the simulator, which sends its webhooks to the app. */
export function stripe(options: {
  port: number;
  webPort: number;
  stateFile: string;
  schemaDir: string;
}): Service {
  return {
    name: "Stripe",
    start: async (environment) => {
      if (/^(sk|rk)_live_/.test(environment.STRIPE_SECRET_KEY ?? "")) {
        throw new Error("STRIPE_SECRET_KEY is a live key. Development works with test keys only.");
      }
      if (!usesSimulator(environment)) return finished("your account (STRIPE_SECRET_KEY)");
      const webhook = {
        url: `http://localhost:${options.webPort}/api/webhooks/stripe`,
        secret: environment.STRIPE_WEBHOOK_SECRET ?? "",
        enabledEvents: Object.keys(stripeHandlers),
      };
      const simulator = await startStripeSimulator({
        port: options.port,
        stateFile: options.stateFile,
        schemaDir: options.schemaDir,
        webhooks: [webhook],
        ...(environment.TOLLGATE_CLOCK ? oneClock(environment.TOLLGATE_CLOCK) : {}),
      });
      const env = { STRIPE_API_URL: simulator.url, STRIPE_SECRET_KEY: SIMULATOR_KEY };
      return { line: `${simulator.url} (simulator)`, env, stop: simulator.close };
    },
  };
}

function usesSimulator({ STRIPE_SECRET_KEY: key }: Environment): boolean {
  return !key || key === SIMULATOR_KEY;
}
