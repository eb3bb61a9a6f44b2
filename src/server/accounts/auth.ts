import { createHash, randomBytes } from "node:crypto";
import { DrizzleAdapter } from "@auth/drizzle-adapter";
import { headers as requestHeaders } from "next/headers";
import { NextRequest } from "next/server";
import NextAuth, { type NextAuthConfig, type NextAuthResult } from "next-auth";
import GitHub from "next-auth/providers/github";
import Google from "next-auth/providers/google";
import Nodemailer from "next-auth/providers/nodemailer";
import { newId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { createCtx, type Runtime } from "../context";
import { AppError } from "../errors";
import { answerEndpoint, askForMail, BASE_PATH, type Call } from "./endpoints";
import { mailboxOf } from "./mailbox";
import { clientAddress, networkOf } from "./network";
import { returnPath } from "./return-path";
import { countSignInAttempt } from "./sign-in-attempts";
import { mailSender, signInMail } from "./sign-in-mail";
import { oauthAccounts, sessions, users, verificationTokens } from "./tables";
import { isVerifiedEmail } from "./verified-email";

const SESSION_DAYS = 30;
const LINK_MINUTES = 30;
const DAY_SECONDS = 86_400;

export interface Person {
  userId: string;
  email: string;
  name: string | null;
}

export interface Session {
  user: { id: string; email: string; name: string | null; image: string | null };
}

export interface AuthSettings {
  appName: string;
  /** AUTH_SECRET. */
  secret: string;
  smtpUrl: string;
  mailFrom: string;
  github: { clientId: string; clientSecret: string } | null;
  google: { clientId: string; clientSecret: string } | null;
  /** The header in which the operator's own proxy tells the client's address; null: nobody's word counts. */
  clientAddressHeader: string | null;
  /**
   * Runs after every sign-in, the first included; may run twice, or not at all after a crash. Of the request's headers
   * it is told the cookies.
   */
  onSignIn: (person: Person, headers: Headers) => Promise<void>;
}

export interface Auth {
  /** Providers to offer beside the mail. */
  providers: ("github" | "google")[];
  /** Answers `/api/auth/*`. */
  handle(request: Request): Promise<Response>;
  /** Who is signed in, by the cookies in `headers`; null for nobody, an ended session and any error. */
  sessionOf(headers: Headers): Promise<Session | null>;
  /** The same of the request that Next is answering. */
  currentSession(): Promise<Session | null>;
  /** Mails a sign-in link. @throws AppError INVALID_INPUT, RATE_LIMITED, BUSY (the mail server did not take it) */
  sendLink(input: { email: string; callbackUrl?: string; headers: Headers }): Promise<{ email: string }>;
  /** For server actions: goes to the provider's page. */
  signInWith(provider: "github" | "google", callbackUrl?: string): Promise<never>;
  /** For server actions: ends the session on the server and goes to the landing page. */
  signOut(): Promise<never>;
}

/** The only place that knows next-auth. All its addresses are built on `runtime.appUrl`, never on a request's Host. */
export function createAuth(runtime: Runtime, settings: AuthSettings): Auth {
  const { appUrl } = runtime;
  const cookie = sessionCookieName(appUrl);
  const config = configOf(runtime, settings, cookie);
  const nextAuth = NextAuth((request) => ({ ...config, events: eventsOf(settings, request?.headers) }));
  const call = caller(nextAuth, appUrl);
  return {
    providers: [
      ...(settings.github ? (["github"] as const) : []),
      ...(settings.google ? (["google"] as const) : []),
    ],
    handle: (request) => answerEndpoint(request, call, appUrl),
    sessionOf: (headers) => sessionOf(headers, call, cookie),
    currentSession: async () => sessionOf(await requestHeaders(), call, cookie),
    sendLink: async ({ email, callbackUrl, headers }) => {
      const mailbox = mailboxOf(email);
      if (!mailbox) {
        throw new AppError("INVALID_INPUT", "Please enter one e-mail address, such as ada@example.com.");
      }
      const network = networkOf(clientAddress(headers, settings.clientAddressHeader));
      const ctx = createCtx(runtime, { kind: "anonymous" });
      await countSignInAttempt(ctx, { email: mailbox, network, secret: settings.secret });
      await askForMail(call, { email: mailbox, callbackUrl: returnPath(callbackUrl, appUrl) });
      return { email: mailbox };
    },
    signInWith: (provider, callbackUrl) =>
      nextAuth.signIn(provider, { redirectTo: returnPath(callbackUrl, appUrl) }),
    signOut: () => nextAuth.signOut({ redirectTo: "/" }) as Promise<never>,
  };
}

/** `__Host-`: a browser takes it over https only, and from this very host only. */
export function sessionCookieName(appUrl: string): string {
  return `${appUrl.startsWith("https:") ? "__Host-" : ""}authjs.session-token`;
}

function configOf(runtime: Runtime, settings: AuthSettings, cookie: string): NextAuthConfig {
  const { appUrl } = runtime;
  return {
    basePath: BASE_PATH,
    secret: settings.secret,
    trustHost: true,
    adapter: createAdapter(runtime),
    // `updateAge` as long as the session itself: it ends 30 days after the sign-in, however busy it was.
    session: {
      strategy: "database",
      maxAge: SESSION_DAYS * DAY_SECONDS,
      updateAge: SESSION_DAYS * DAY_SECONDS,
      generateSessionToken: () => randomBytes(32).toString("base64url"),
    },
    useSecureCookies: appUrl.startsWith("https:"),
    cookies: { sessionToken: { name: cookie } },
    pages: { signIn: "/sign-in", verifyRequest: "/sign-in/check-mail", error: "/sign-in" },
    providers: [
      mailProvider(appUrl, settings),
      ...(settings.github ? [GitHub(settings.github)] : []),
      ...(settings.google ? [Google(settings.google)] : []),
    ],
    callbacks: {
      signIn: ({ account, profile }) => {
        if (account?.type === "email") return true;
        const claim = { email: profile?.email, verified: profile?.email_verified };
        return isVerifiedEmail({
          ...claim,
          provider: account?.provider ?? "",
          accessToken: account?.access_token,
        });
      },
      redirect: ({ url }) => `${appUrl}${returnPath(url, appUrl)}`,
      session: ({ session, user }) => {
        const { id, name, email, image } = user;
        return { user: { id, name, email, image }, expires: new Date(session.expires).toISOString() };
      },
    },
    logger: {
      error: (error) => {
        if (!isCallersMistake(error)) logError("auth", error);
      },
      warn: () => {},
      debug: () => {},
    },
  };
}

/** What next-auth tells of a request, together with the request, which it does not tell. */
function eventsOf({ onSignIn }: AuthSettings, headers = new Headers()): NextAuthConfig["events"] {
  return {
    signIn: async ({ user }) => {
      if (user.id && user.email)
        await onSignIn({ userId: user.id, email: user.email, name: user.name ?? null }, headers);
    },
  };
}

/** A used or expired link and a refused account are told to the person; they are no news to the operator. */
function isCallersMistake(error: Error): boolean {
  return ["Verification", "AccessDenied", "OAuthAccountNotLinked", "MissingCSRF"].includes(
    (error as { type?: string }).type ?? "",
  );
}

function mailProvider(appUrl: string, settings: AuthSettings) {
  const send = mailSender({ smtpUrl: settings.smtpUrl, from: settings.mailFrom });
  return Nodemailer({
    server: settings.smtpUrl,
    from: settings.mailFrom,
    maxAge: LINK_MINUTES * 60,
    normalizeIdentifier: (text) => {
      const mailbox = mailboxOf(text);
      if (!mailbox) throw new AppError("INVALID_INPUT", "Not one plain e-mail address.");
      return mailbox;
    },
    // To a page with a button: what opens every link of a mail to look for malware must not use the link up.
    sendVerificationRequest: ({ identifier, token, url }) => {
      const callbackUrl = returnPath(new URL(url).searchParams.get("callbackUrl"), appUrl);
      const link = `${appUrl}/sign-in/confirm?${new URLSearchParams({ token, email: identifier, callbackUrl })}`;
      const sent = send(
        identifier,
        signInMail({ appName: settings.appName, link, validMinutes: LINK_MINUTES }),
      );
      // Auth.js hashes the token before it looks at this: a server that refuses at once must not end the process.
      sent.catch(() => {});
      return sent;
    },
  });
}

async function sessionOf(headers: Headers, call: Call, cookie: string): Promise<Session | null> {
  const cookies = headers.get("cookie") ?? "";
  if (!cookies.includes(`${cookie}=`)) return null;
  const answer = await call("session", { cookies });
  // next-auth answers a broken configuration with an object too, so only an id says that somebody is signed in.
  const session = answer.ok ? ((await answer.json()) as Session | null) : null;
  return typeof session?.user?.id === "string" ? session : null;
}

/** Calls next-auth as if the request had come to the app's own origin. */
function caller(nextAuth: NextAuthResult, appUrl: string): Call {
  return (action, { cookies = "", query = "", form }) => {
    const url = `${appUrl}${BASE_PATH}/${action}${query}`;
    const headers = { cookie: cookies, accept: "application/json" };
    if (!form) return nextAuth.handlers.GET(new NextRequest(url, { headers }));
    return nextAuth.handlers.POST(
      new NextRequest(url, { method: "POST", headers, body: new URLSearchParams(form) }),
    );
  };
}

type Adapter = Required<ReturnType<typeof DrizzleAdapter>>;
type Part<K extends keyof Adapter> = Pick<Adapter, K>;

/**
 * next-auth's view of our tables. Sessions are kept by hash and providers' tokens not at all, so that a copy of
 * the database signs nobody in, here or there. E-mails are lower-case, as `mailboxOf` makes them.
 */
function createAdapter({ db, now }: Runtime): Adapter {
  const tables = {
    usersTable: users,
    accountsTable: oauthAccounts,
    sessionsTable: sessions,
    verificationTokensTable: verificationTokens,
  };
  // Our ids are `text collate "C"`, which Drizzle calls a custom type; the adapter's types want a plain one.
  const plain = DrizzleAdapter(
    db.orm,
    tables as unknown as Parameters<typeof DrizzleAdapter<Runtime["db"]["orm"]>>[1],
  ) as Adapter;
  return {
    ...plain,
    ...hashedSessions(plain),
    // Nobody gets here who did not follow a mail's link, or whom `isVerifiedEmail` did not vouch for.
    createUser: (user) => {
      const at = now();
      const email = user.email.toLowerCase();
      const row = { ...user, id: newId("user", at), email, emailVerified: at, createdAt: at };
      return plain.createUser(row);
    },
    getUserByEmail: (email) => plain.getUserByEmail(email.toLowerCase()),
    linkAccount: ({ userId, type, provider, providerAccountId }) =>
      plain.linkAccount({ userId, type, provider, providerAccountId }),
  };
}

function hashedSessions(
  plain: Adapter,
): Part<"createSession" | "getSessionAndUser" | "updateSession" | "deleteSession"> {
  return {
    createSession: async (session) => {
      await plain.createSession({ ...session, sessionToken: hash(session.sessionToken) });
      return session;
    },
    getSessionAndUser: async (sessionToken) => {
      const found = await plain.getSessionAndUser(hash(sessionToken));
      return found && { user: found.user, session: { ...found.session, sessionToken } };
    },
    updateSession: async (session) => {
      await plain.updateSession({ ...session, sessionToken: hash(session.sessionToken) });
      return null;
    },
    deleteSession: (sessionToken) => plain.deleteSession(hash(sessionToken)),
  };
}

const hash = (token: string) => createHash("sha256").update(token).digest("hex");
