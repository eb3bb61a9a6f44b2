import { readFileSync } from "node:fs";
import { prices } from "@/config/plans";
import { env } from "@/env";
import { derivedKeys } from "@/lib/derived-keys";
import { definePriceList, type PriceList } from "@/lib/price-list";
import { systemClock } from "@/lib/time";
import type { Runtime } from "./context";
import { openDatabase } from "./db/client";
import { oneClock } from "./one-clock";
import { createStripe } from "./stripe/stripe-client";

const globals = globalThis as { tollgateRuntime?: Runtime };

/** What this process offers, made at the first call. Kept on globalThis: `next dev` reloads modules, not connections. */
export function runtime(): Runtime {
  globals.tollgateRuntime ??= createRuntime();
  return globals.tollgateRuntime;
}

function createRuntime(): Runtime {
  return {
    db: openDatabase(env.DATABASE_URL),
    now: env.TOLLGATE_CLOCK ? oneClock(env.TOLLGATE_CLOCK).now : systemClock,
    prices: env.TOLLGATE_PRICES ? pricesIn(env.TOLLGATE_PRICES) : prices,
    stripe: createStripe({ secretKey: env.STRIPE_SECRET_KEY, apiUrl: env.STRIPE_API_URL }),
    appUrl: env.APP_URL,
    keyFor: derivedKeys(env.AUTH_SECRET),
    clientAddressHeader: env.CLIENT_ADDRESS_HEADER ?? null,
    operatorEmails: env.OPERATOR_EMAILS ?? [],
    mail: { smtpUrl: env.SMTP_URL, from: env.MAIL_FROM },
  };
}

/** Another business, of which the compiler knows nothing. @throws Error for a list that is not one */
function pricesIn(file: string): PriceList {
  return definePriceList(JSON.parse(readFileSync(file, "utf8")));
}
