import type { FeatureId } from "@/config/plans";
import { site } from "@/config/site";
import { env } from "@/env";
import { type Auth, createAuth, type Person, type Session } from "./accounts/auth";
import { ensureTenant, listTenants, me } from "./accounts/service";
import { type Ctx, createCtx } from "./context";
import { claimAwaited } from "./credits/claim-awaited";
import { grantSignUp } from "./credits/grant-sign-up";
import { entitleDefault } from "./entitlements/entitle";
import { ensurePlanVersions } from "./plans/service";
import { consume } from "./quota/consume";
import { runtime } from "./runtime";
import { carryOverTrial } from "./trials/service";
import { visitorOf } from "./trials/visitor";

/** The level of the price list that counts a workspace's people. */
const SEATS: FeatureId = "users";

let current: Auth | undefined;

/** Sign-in of this process, made at the first call. */
export function authentication(): Auth {
  current ??= createAuth(runtime(), {
    appName: site.name,
    secret: env.AUTH_SECRET,
    smtpUrl: env.SMTP_URL,
    mailFrom: env.MAIL_FROM,
    github: provider(env.AUTH_GITHUB_ID, env.AUTH_GITHUB_SECRET),
    google: provider(env.AUTH_GOOGLE_ID, env.AUTH_GOOGLE_SECRET),
    clientAddressHeader: env.CLIENT_ADDRESS_HEADER ?? null,
    onSignIn: (person, headers) =>
      giveWorkspace(createCtx(runtime(), userActor(person.userId)), person, headers),
  });
  return current;
}

/** Who sent the request that Next is answering, or null. For server components and actions. */
export function auth(): Promise<Session | null> {
  return authentication().currentSession();
}

/**
 * The address of a signed-in person's first workspace, `/slug`. Makes one when there is none: the sign-in may have
 * crashed before it did. @throws AppError UNAUTHENTICATED
 */
export async function homePath(ctx: Ctx, headers?: Headers): Promise<string> {
  let [first] = await listTenants(ctx);
  if (!first) {
    const { id, email, name } = await me(ctx);
    await giveWorkspace(ctx, { userId: id, email, name }, headers);
    [first] = await listTenants(ctx);
  }
  return `/${first?.slug ?? ""}`;
}

/**
 * Safe twice and at the same moment: one person, one first workspace. What is left of a trial that the request's
 * cookie names comes along, and so do credits that were waiting for the person's e-mail, also at a later sign-in.
 */
export async function giveWorkspace(
  ctx: Ctx,
  { userId, email, name }: Person,
  headers = new Headers(),
): Promise<void> {
  // Before the transaction: new versions are written on a connection of their own, and sign-ins that wait would hold them all.
  await ensurePlanVersions(ctx);
  const workspaceName = (name?.trim() || email.split("@")[0] || "Workspace").slice(0, 80);
  await ensureTenant(ctx, { userId, name: workspaceName }, async (inner) => {
    await entitleDefault(inner);
    await grantSignUp(inner);
    // The owner holds a seat like everybody else.
    await consume(inner, { feature: SEATS, key: `member:${userId}` });
    await carryOverTrial(inner, visitorOf(ctx, headers));
  });
  await claimAwaited(ctx, userId);
}

const userActor = (userId: string) => ({ kind: "user", userId }) as const;

function provider(clientId: string | undefined, clientSecret: string | undefined) {
  return clientId && clientSecret ? { clientId, clientSecret } : null;
}
