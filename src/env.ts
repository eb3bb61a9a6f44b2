import { z } from "zod";

const secret = (minLength: number) => z.string().min(minLength);
const isLocalHost = (url: URL) => ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
const originOf = (value: string) => (URL.canParse(value) ? new URL(value).origin : undefined);
const urlOf = (...protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol));

/** A description says what the variable wants; it is what the start-up message shows. */
const schema = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).describe("development, test or production"),
  APP_URL: urlOf("http:", "https:")
    .refine((value) => originOf(value) === value.replace(/\/$/, ""))
    .transform((value) => originOf(value) ?? value)
    .describe("the app's public origin without a path, such as https://app.example.com"),
  DATABASE_URL: urlOf("postgres:", "postgresql:").describe(
    "postgres://user:password@host:5432/database of the role the app runs as, which owns no table",
  ),
  DATABASE_OWNER_URL: urlOf("postgres:", "postgresql:")
    .optional()
    .describe("postgres://… of the role that migrates; DATABASE_URL when unset"),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/)
    .describe("a Stripe secret or restricted key: sk_test_…, sk_live_…, rk_test_… or rk_live_…"),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_\S+$/)
    .describe("the signing secret of the webhook endpoint, whsec_…"),
  STRIPE_WEBHOOK_SECRET_PREVIOUS: z
    .string()
    .regex(/^whsec_\S+$/)
    .optional()
    .describe("the signing secret used before, whsec_…, while you rotate it"),
  STRIPE_API_URL: urlOf("http:", "https:").optional().describe("the origin of the local Stripe simulator"),
  SMTP_URL: urlOf("smtp:", "smtps:").describe("smtp://user:password@host:587, or smtps://… on port 465"),
  MAIL_FROM: z
    .string()
    .regex(/^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/)
    .describe("the sender of all mail, such as Tollgate <billing@example.com>"),
  MAILBOX_URL: urlOf("http:", "https:").optional().describe("the address of the local mail catcher's page"),
  AUTH_SECRET: secret(32).describe("at least 32 random characters (openssl rand -base64 33)"),
  AUTH_GITHUB_ID: secret(1)
    .optional()
    .describe("the id of a GitHub OAuth app, together with AUTH_GITHUB_SECRET"),
  AUTH_GITHUB_SECRET: secret(1).optional().describe("that app's client secret, together with AUTH_GITHUB_ID"),
  AUTH_GOOGLE_ID: secret(1)
    .optional()
    .describe("the id of a Google OAuth client, together with AUTH_GOOGLE_SECRET"),
  AUTH_GOOGLE_SECRET: secret(1).optional().describe("that client's secret, together with AUTH_GOOGLE_ID"),
  CRON_SECRET: secret(16)
    .optional()
    .describe("at least 16 random characters; the cron endpoints are closed without"),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]*$/)
    .optional()
    .describe("the header in which your own proxy names the client's address, such as x-forwarded-for"),
  OPERATOR_EMAILS: z
    .string()
    .transform((list) =>
      list
        .toLowerCase()
        .split(",")
        .map((email) => email.trim()),
    )
    .refine((emails) => emails.every((email) => /^[^<>@\s]+@[^<>@\s]+$/.test(email)))
    .optional()
    .describe("the e-mails of those who run the product, separated by commas"),
  TOLLGATE_EMBEDDED_DATABASE: z
    .literal("1")
    .optional()
    .describe("1, set by npm run dev for its own database"),
  TOLLGATE_CLOCK: z
    .string()
    .optional()
    .describe("the file of the clock that npm run dev and all it starts live by"),
  TOLLGATE_PRICES: z
    .string()
    .optional()
    .describe("a JSON file with another price list than src/config/plans.ts, to try one out"),
});

type Variables = z.infer<typeof schema>;
type Name = keyof Variables;
type Source = Record<string, string | undefined>;

/** The app's settings, and which outside services are simulated on this machine. */
export interface Env extends Variables {
  DATABASE_OWNER_URL: string;
  simulated: { stripe: boolean; mail: boolean; database: boolean };
}

/** Every variable the app reads, in the order of `.env.example`. */
export const variableNames = Object.keys(schema.shape) as Name[];

/**
 * Settings of this process, read at the first access. Access it inside functions, never while a module loads:
 * `next build` loads every route and must not need any of these variables.
 */
export const env: Env = new Proxy({} as Env, { get: (_target, name) => Reflect.get(currentEnv(), name) });

let current: Env | undefined;
function currentEnv(): Env {
  current ??= parseEnv(process.env);
  return current;
}

/**
 * Reads the settings out of `source`; an empty string counts as unset.
 * @throws Error with one message that names every missing or malformed variable and never shows a value.
 */
export function parseEnv(source: Source): Env {
  const given = withDefaults(source);
  const parsed = schema.safeParse(given);
  const problems = [...ruleProblems(given), ...(parsed.error ? shapeProblems(parsed.error, given) : [])];
  if (!parsed.success || problems.length > 0) throw new Error(explain(problems, given.NODE_ENV));
  const variables = parsed.data;
  return {
    ...variables,
    DATABASE_OWNER_URL: variables.DATABASE_OWNER_URL ?? variables.DATABASE_URL,
    simulated: {
      stripe: variables.STRIPE_API_URL !== undefined,
      mail: variables.MAILBOX_URL !== undefined,
      database: variables.TOLLGATE_EMBEDDED_DATABASE === "1",
    },
  };
}

/** True when the process runs as production (`NODE_ENV=production`). Needs no other variable. */
export function isProduction(): boolean {
  return process.env.NODE_ENV === "production";
}

/** True inside Next's Node.js server, false in its edge bundle. */
export function isNodeRuntime(): boolean {
  return process.env.NEXT_RUNTIME === "nodejs";
}

/** The environment handed to a child process: this process's own, with `extra` on top. */
export function childEnvironment(extra: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...extra };
}

function withDefaults(source: Source): Source {
  const given: Source = {};
  for (const name of variableNames) given[name] = source[name]?.trim() || undefined;
  given.NODE_ENV ??= "development";
  if (given.NODE_ENV === "production") return given;
  given.APP_URL ??= "http://localhost:3000";
  given.MAIL_FROM ??= "Tollgate <hello@tollgate.localhost>";
  return given;
}

function shapeProblems(error: z.ZodError, given: Source): string[] {
  const names = new Set(error.issues.map((issue) => issue.path[0] as Name));
  return [...names].map((name) => {
    const state = given[name] === undefined ? "is missing" : "is malformed";
    return `${name} ${state}. It wants ${schema.shape[name].description}.`;
  });
}

/** What only shows when two variables are seen together. */
function ruleProblems(given: Source): string[] {
  const problems: string[] = [];
  for (const provider of ["GITHUB", "GOOGLE"]) {
    const [id, key] = [`AUTH_${provider}_ID`, `AUTH_${provider}_SECRET`];
    if (given[id] && !given[key])
      problems.push(`${key} is missing: ${id} is set, and it wants both or none.`);
    if (given[key] && !given[id])
      problems.push(`${id} is missing: ${key} is set, and it wants both or none.`);
  }
  if (given.STRIPE_API_URL && /^(sk|rk)_live_/.test(given.STRIPE_SECRET_KEY ?? "")) {
    problems.push("STRIPE_API_URL is refused: STRIPE_SECRET_KEY is a live key, and it goes to Stripe only.");
  }
  if (given.NODE_ENV === "production") problems.push(...productionProblems(given));
  return problems;
}

const LOCAL_ONLY = [
  "STRIPE_API_URL",
  "MAILBOX_URL",
  "TOLLGATE_EMBEDDED_DATABASE",
  "TOLLGATE_CLOCK",
  "TOLLGATE_PRICES",
];

function productionProblems(given: Source): string[] {
  const local = LOCAL_ONLY.filter((name) => given[name]);
  const problems = local.map(
    (name) => `${name} is refused in production: it belongs to npm run dev. Unset it.`,
  );
  if (given.STRIPE_SECRET_KEY?.startsWith("sk_test_sim_")) {
    problems.push("STRIPE_SECRET_KEY is refused in production: this key belongs to the local simulator.");
  }
  const appUrl = given.APP_URL && URL.canParse(given.APP_URL) ? new URL(given.APP_URL) : undefined;
  if (appUrl?.protocol === "http:" && !isLocalHost(appUrl)) {
    problems.push("APP_URL is malformed. In production it wants https://.");
  }
  return problems;
}

function explain(problems: string[], nodeEnv: string | undefined): string {
  const count =
    problems.length === 1 ? "1 environment variable needs" : `${problems.length} environment variables need`;
  const lines = [`Tollgate cannot start: ${count} attention.`, ...problems.sort().map((line) => `  ${line}`)];
  if (nodeEnv === "development") lines.push("npm run dev fills in whatever .env leaves out.");
  return lines.join("\n");
}
