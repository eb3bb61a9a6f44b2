"use client";

import { Button } from "@mantine/core";
import { LinkButton } from "@/components/link-button";
import { site } from "@/config/site";
import type { Offers, PlanOffer } from "@/server/orders/offers";
import { PlanCards } from "../pricing/plan-cards";

/** The plans for somebody who has no workspace yet: each leads to the sign-in, or to people. */
export function LandingPricing({ offers }: { offers: Offers }) {
  return (
    <PlanCards
      offers={offers}
      action={({ plan, recommended }) => <Start plan={plan} recommended={recommended} />}
    />
  );
}

function Start({ plan, recommended }: { plan: PlanOffer; recommended: boolean }) {
  if (plan.kind === "contact") {
    return (
      <Button component="a" href={`mailto:${site.supportEmail}`} variant="default">
        Contact us
      </Button>
    );
  }
  return (
    <LinkButton href="/sign-in" variant={recommended ? "filled" : "default"}>
      {plan.kind === "free" ? "Start for free" : `Start with ${plan.name}`}
    </LinkButton>
  );
}
