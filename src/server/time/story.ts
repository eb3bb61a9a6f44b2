import { eq } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { createTenant } from "../accounts/service";
import { users } from "../accounts/tables";
import { startCheckout } from "../billing/checkout";
import { listPaymentMethods, setDefaultPaymentMethod } from "../billing/payment-methods";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { entitleDefault } from "../entitlements/entitle";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { ensurePlanVersions } from "../plans/service";
import { ensureCustomer } from "../stripe/customer";
import { subscriptionOf } from "../subscriptions/subscription";
import { STORY_STEP } from "./tenant-moments";
import { type Journey, travel, type World } from "./travel";

/** Something that could happen to a business, told step by step in a workspace of its own. */
export interface Story {
  id: string;
  title: string;
  description: string;
  /** Its steps, each with what is told of it. */
  steps: readonly { title: string; play: (scene: StoryScene) => Promise<void> }[];
}

/** What a step may do. */
export interface StoryScene {
  /** The story's workspace, acting as its owner. */
  ctx: TenantCtx;
  world: World;
  /** Lets time pass, stop by stop. */
  travelTo: (at: Date) => Promise<void>;
}

const NOBODYS_OWNER = { email: "story@example.com", name: "Story" };

/** A workspace of the story's own, of the person who asks for it or, when nobody is signed in, of story@example.com. */
export async function openStory({ ctx }: World, { title }: Story, userId: string | null): Promise<TenantCtx> {
  await ensurePlanVersions(ctx);
  const ownerUserId = userId ?? (await nobodysOwner(ctx));
  const owner = { ...ctx, actor: { kind: "user" as const, userId: ownerUserId } };
  const tenant = await createTenant(owner, { name: title, ownerUserId }, entitleDefault);
  return { ...owner, tenant };
}

async function nobodysOwner(ctx: Ctx): Promise<string> {
  const { orm } = ctx.db;
  const person = { id: newId("user", ctx.now()), createdAt: ctx.now(), ...NOBODYS_OWNER };
  await orm.insert(users).values(person).onConflictDoNothing({ target: users.email });
  const [known] = await orm.select().from(users).where(eq(users.email, NOBODYS_OWNER.email));
  return known?.id ?? person.id;
}

/** Says what the step is, in the workspace's own audit, and plays it. */
export async function playStep(
  world: World,
  ctx: TenantCtx,
  { story, step }: { story: Story; step: number },
  journey: Journey & { onFailures: (failures: string[]) => void },
): Promise<void> {
  const { title, play } = story.steps[step]!;
  await inTenant(ctx, (_tx, inner) =>
    audit(inner, { action: STORY_STEP, subject: story.id, details: { step, title } }),
  );
  const travelTo = async (at: Date) => {
    const { failures } = await travel(world, at, journey);
    journey.onFailures(failures);
  };
  await play({ ctx, world, travelTo });
}

/** Subscribes to the first plan that renews, as a person would on the hosted page. */
export async function subscribe({ ctx, world, travelTo }: StoryScene): Promise<void> {
  const plan = ctx.prices.plans.find(({ price }) => price.kind === "recurring");
  if (!plan) throw new AppError("CONFLICT", "The price list has no plan that renews.");
  const { url } = await startCheckout(ctx, { plan: plan.id, interval: "month" });
  await world.simulator.pay(url);
  await travelTo(ctx.now());
}

/** The end of the period that is paid for, where the next one begins. */
export async function renewsAt(ctx: TenantCtx): Promise<Date> {
  const { subscription } = await subscriptionOf(ctx);
  if (!subscription) throw new AppError("CONFLICT", "The story's subscription is gone.");
  return subscription.currentPeriodEndsAt;
}

export async function toRenewal({ ctx, travelTo }: StoryScene): Promise<void> {
  await travelTo(await renewsAt(ctx));
}

/** The card that is charged. */
export async function cardOf(ctx: TenantCtx): Promise<string> {
  const [card] = await listPaymentMethods(ctx);
  if (!card) throw new AppError("CONFLICT", "The workspace has no card any more.");
  return card.id;
}

/** Stores a good card, makes it the one that is charged, and pays what is open. */
export async function payWithNewCard({ ctx, travelTo }: StoryScene): Promise<void> {
  const customer = await ensureCustomer(ctx);
  const card = await ctx.stripe.paymentMethods.attach("pm_card_visa", { customer });
  await setDefaultPaymentMethod(ctx, { id: card.id });
  const open = await ctx.stripe.invoices.list({ customer, status: "open" });
  for (const { id } of open.data) if (id) await ctx.stripe.invoices.pay(id);
  await travelTo(ctx.now());
}
