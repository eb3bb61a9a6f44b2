"use client";

import { Anchor, Button } from "@mantine/core";
import { LinkButton } from "@/components/link-button";
import { site } from "@/config/site";
import type { Offers, PlanOffer } from "@/server/billing/offers";
import { PlanCards } from "../pricing/plan-cards";

/** The plans for somebody who has no workspace yet: each leads to the sign-in, or to people. */
export function LandingPricing({ offers }: { offers: Offers }) {
  return <PlanCards offers={offers} action={(plan) => <Start plan={plan} />} />;
}

function Start({ plan }: { plan: PlanOffer }) {
  if (plan.kind === "contact") {
    return (
      <Button component={Anchor} underline="never" href={`mailto:${site.supportEmail}`} variant="default">
        Contact us
      </Button>
    );
  }
  return (
    <LinkButton href="/sign-in" variant={plan.kind === "free" ? "default" : "filled"}>
      {plan.kind === "free" ? "Start for free" : `Start with ${plan.name}`}
    </LinkButton>
  );
}
