import type { Stage } from "@tests/support/stage";
import { TERMS, topUpStage } from "@tests/top-ups/top-ups";
import { refundOrder } from "@/server/back-office/refund-order";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription, resumeSubscription, undoChange } from "@/server/billing/end-subscription";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import type { CheckoutInput } from "@/server/orders/inputs";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";
import { setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUp } from "@/server/top-ups/top-up";

type Step = (ctx: TenantCtx) => Promise<unknown>;

/** What a person and the cron jobs do, one after the other; each may die at any moment, and is then asked again. */
export interface Acts {
  what: string;
  /** Before anybody may die. */
  begin: Step;
  steps: Step[];
  /** What all of it leaves behind: see `traces` of the test. */
  leaves: object;
}

const nothing: Step = () => Promise.resolve();

export function allActs(stage: Stage): Acts[] {
  const { owner, pay } = stage;
  const payPage: Step = async ({ tenant }) => {
    const [row] = await owner`select url from checkouts where tenant_id = ${tenant.id} and status = 'open'`;
    if (row) await pay(String(row.url));
  };
  const buying = (wish: CheckoutInput): Step[] => [(ctx) => startCheckout(ctx, wish), payPage, syncCustomer];
  const refund: Step = async (ctx) => {
    const [order] = await owner`select id from orders where tenant_id = ${ctx.tenant.id}`;
    const wish = { orderId: String(order?.id), amountMinor: 300, reason: "asked by mail", key: "refund-1" };
    await refundOrder(ctx, wish);
  };
  const subscribe = buying({ plan: "pro", interval: "month" });
  return [
    {
      what: "checkout, fulfilment, sync and refund",
      begin: nothing,
      steps: [...buying({ pack: "credits_500" }), refund, syncCustomer],
      leaves: {
        sessions: 1,
        refunds: [[300, "succeeded"]],
        orders: [{ status: "partially_refunded", money_back_minor: "300" }],
        lots: [{ granted: "500" }],
        checkouts: [{ status: "complete" }],
      },
    },
    {
      what: "a subscription and its upgrade",
      begin: nothing,
      steps: [...subscribe, changeTo("enterprise")],
      leaves: {
        sessions: 1,
        subscriptions: [{ status: "active", ends: false }],
        plans: ["enterprise@1"],
        changes: ["enterprise@1 changed"],
      },
    },
    {
      what: "a downgrade to come, undone, the end to come and taken back",
      begin: all([...subscribe, changeTo("enterprise")]),
      steps: [
        changeTo("pro"),
        undoChange,
        (ctx) => cancelSubscription(ctx, { when: "period_end", reason: "unused" }),
        resumeSubscription,
        (ctx) => cancelSubscription(ctx, { when: "period_end", reason: "unused" }),
      ],
      leaves: {
        subscriptions: [{ status: "active", ends: true }],
        plans: ["enterprise@1"],
      },
    },
    {
      what: "an automatic top-up",
      begin: async (ctx) => {
        await topUpStage(stage).keepCard(ctx);
        await setAutoTopUp(ctx, TERMS);
      },
      steps: [topUp],
      leaves: {
        payments: [[500, "succeeded"]],
        orders: [{ status: "fulfilled" }],
        lots: [{ granted: "100" }],
      },
    },
  ];
}

function all(steps: Step[]): Step {
  return async (ctx) => {
    for (const step of steps) await step(ctx);
  };
}

/** As a person does, who looks at the page before pressing the button again. */
function changeTo(plan: string): Step {
  return async (ctx) => {
    await syncCustomer(ctx);
    const now = await subscriptionOf(ctx);
    if (now.plan.id === plan || now.subscription?.change?.plan?.id === plan) return;
    const wish = { plan, interval: "month" } as const;
    await changePlan(ctx, { ...wish, preview: (await previewChange(ctx, wish)).preview });
  };
}
