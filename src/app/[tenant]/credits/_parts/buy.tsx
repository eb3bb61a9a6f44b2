"use client";

import {
  Box,
  Button,
  Divider,
  Group,
  NumberInput,
  RadioCard,
  RadioGroup,
  Select,
  SimpleGrid,
  Stack,
  Text,
} from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatPrice } from "@/components/format";
import { Section } from "@/components/section";
import { formatMoney, type Money } from "@/lib/money";
import type { Offers } from "@/server/orders/offers";
import { useTRPC } from "@/trpc/client";
import { PayNow, usePastDue } from "../../_parts/past-due";
import { usePayment } from "../../_parts/use-payment";
import { useWorkspace } from "../../_parts/workspace-context";
import { ANY_AMOUNT, type Basket, basketOf, type Choice, planLine, plansSold, wishOf } from "./basket";
import classes from "./buy.module.css";

/** A pack or any amount, with or without a plan: one checkout, one receipt. `pack`: chosen beforehand. */
export function Buy({ pack }: { pack: string | null }) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const first = offers.packs.find(({ id }) => id === pack) ?? offers.packs[0];
  const [choice, setChoice] = useState<Choice>({
    what: first?.id ?? ANY_AMOUNT,
    amount: offers.amount?.min ?? null,
    plan: null,
  });
  const { buy, busy, error } = usePayment();
  const pastDue = usePastDue();
  const mustPayFirst = pastDue?.step === "purchases_stopped";
  const basket = basketOf(offers, choice);
  if (offers.packs.length === 0 && offers.amount === null) return null;
  return (
    <Section title="Buy credits" description="They are spent when an allowance is used up.">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          buy(wishOf(choice));
        }}
      >
        <Stack gap="lg">
          <WhatToBuy offers={offers} choice={choice} onChange={setChoice} />
          <Group align="flex-start" gap="md">
            {choice.what === ANY_AMOUNT && offers.amount && (
              <NumberInput
                label="How many"
                w={{ base: "100%", xs: 170 }}
                min={offers.amount.min}
                max={offers.amount.max}
                clampBehavior="none"
                allowDecimal={false}
                allowNegative={false}
                thousandSeparator=","
                value={choice.amount ?? ""}
                onChange={(amount) =>
                  setChoice({ ...choice, amount: typeof amount === "number" ? amount : null })
                }
                error={basket.problem}
              />
            )}
            <WithPlan offers={offers} choice={choice} onChange={setChoice} />
          </Group>
          <Summary basket={basket} />
          <FailureAlert error={error} />
          <Group justify="flex-end" gap="md">
            {mustPayFirst && (
              <>
                <Text size="sm" id="must-pay-first">
                  Nothing more can be bought until the plan is paid.
                </Text>
                {mayPay && <PayNow unpaid={pastDue} />}
              </>
            )}
            <Button
              type="submit"
              disabled={!mayPay || mustPayFirst || basket.problem !== null}
              aria-describedby={mustPayFirst ? "must-pay-first" : undefined}
              loading={busy}
            >
              {mayPay ? `Pay ${formatPrice(formatMoney(basket.total))}` : "Ask an owner"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

interface ChoiceProps {
  offers: Offers;
  choice: Choice;
  onChange: (choice: Choice) => void;
}

function WhatToBuy({ offers, choice, onChange }: ChoiceProps) {
  const { amount } = offers;
  return (
    <RadioGroup
      aria-label="What to buy"
      value={choice.what}
      onChange={(what) => onChange({ ...choice, what })}
    >
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {offers.packs.map(({ id, name, price, expiresAfterDays }) => (
          <Option
            key={id}
            value={id}
            name={name}
            price={formatPrice(formatMoney(price))}
            note={expiryWords(expiresAfterDays)}
          />
        ))}
        {amount && (
          <Option
            value={ANY_AMOUNT}
            name="Any amount"
            price={rateWords(amount, offers.currency)}
            note={expiryWords(amount.expiresAfterDays)}
          />
        )}
      </SimpleGrid>
    </RadioGroup>
  );
}

function Option({ value, name, price, note }: { value: string; name: string; price: string; note: string }) {
  return (
    <RadioCard value={value} className={classes.option} p="md" radius="md" aria-label={`${name}, ${price}`}>
      <Text size="sm" fw={550}>
        {name}
      </Text>
      <Text fz={20} fw={650} lts="-0.02em" className="figures">
        {price}
      </Text>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
    </RadioCard>
  );
}

/** Only while there is no subscription: a second one is refused, and a change is the portal's. */
function WithPlan({ offers, choice, onChange }: ChoiceProps) {
  const trpc = useTRPC();
  const { data: current } = useSuspenseQuery(trpc.billing.subscription.queryOptions());
  if (current.subscription !== null) return null;
  const data = plansSold(offers).map((plan) => ({
    value: plan.id,
    label: planLine(plan)
      .map(({ name, price }) => `${name}: ${priceWords(price)}`)
      .join(),
  }));
  if (data.length === 0) return null;
  return (
    <Select
      label="Together with a plan"
      placeholder="No plan, credits only"
      data={data}
      value={choice.plan}
      onChange={(plan) => onChange({ ...choice, plan })}
      clearable
      clearButtonProps={{ "aria-label": "No plan" }}
      w={{ base: "100%", xs: 300 }}
    />
  );
}

function Summary({ basket }: { basket: Basket }) {
  return (
    <Box role="group" aria-label="Order" className={classes.summary}>
      {basket.lines.map(({ name, price }) => (
        <Group key={name} justify="space-between" wrap="nowrap" gap="md">
          <Text size="sm">{name}</Text>
          <Text size="sm" className="figures">
            {priceWords(price)}
          </Text>
        </Group>
      ))}
      {basket.lines.length > 0 && <Divider my="xs" />}
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          Total
        </Text>
        <Text size="sm" fw={600} className="figures">
          {priceWords(basket.total)}
        </Text>
      </Group>
    </Box>
  );
}

const priceWords = (price: Money) => formatMoney(price);

function expiryWords(days: number | null): string {
  return days === null ? "Never expire" : `Expire after ${days} days`;
}

/** "$0.05 each", "$1 for 30". */
function rateWords({ minorUnits, perUnits }: NonNullable<Offers["amount"]>, currency: string): string {
  const price = formatPrice(formatMoney({ amountMinor: BigInt(minorUnits), currency }));
  return perUnits === 1 ? `${price} each` : `${price} for ${perUnits.toLocaleString("en-US")}`;
}
