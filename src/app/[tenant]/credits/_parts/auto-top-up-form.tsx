"use client";

import { Button, Group, Modal, NumberInput, Select, Stack, Text } from "@mantine/core";
import { type UseFormReturnType, useForm } from "@mantine/form";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { failureOf } from "@/components/failure";
import { FailureAlert } from "@/components/failure-alert";
import { formatPrice } from "@/components/format";
import { formatMoney, minorDigits } from "@/lib/money";
import type { Offers } from "@/server/orders/offers";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { usePayment } from "../../_parts/use-payment";

type View = Outputs["billing"]["autoTopUp"];

interface FormProps {
  view: View;
  opened: boolean;
  onClose: () => void;
}

export function AutoTopUpForm({ view, opened, onClose }: FormProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={<Text fw={600}>Auto top-up</Text>}>
      <Terms view={view} onClose={onClose} />
    </Modal>
  );
}

const DEFAULT_THRESHOLD = 50;
/** A first proposal: so many packs a month. */
const DEFAULT_PACKS_A_MONTH = 5n;

interface Values {
  threshold: number | string;
  pack: string;
  /** In major units, as people write it. */
  monthlyCap: number | string;
}

function Terms({ view, onClose }: Omit<FormProps, "opened">) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { data: offers } = useSuspenseQuery(trpc.billing.plans.queryOptions());
  const form = useForm<Values>({
    initialValues: proposal(view, offers),
    validate: {
      threshold: (value) => (Number(value) >= 1 ? null : "1 or more"),
      monthlyCap: (value) => (Number(value) > 0 ? null : "Say how much at most"),
    },
  });
  const save = useMutation(
    trpc.billing.setAutoTopUp.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries(trpc.billing.autoTopUp.queryFilter());
        onClose();
      },
    }),
  );
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(agreed(values, offers)))}>
      <Stack gap="md">
        <TermFields form={form} offers={offers} />
        <Refused error={save.error} pack={form.values.pack} />
        <Group justify="flex-end">
          <Button variant="subtle" color="gray" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            {view.state === "on" ? "Save" : "Turn on"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The three things that are agreed to. */
function TermFields({ form, offers }: { form: UseFormReturnType<Values>; offers: Offers }) {
  const { packs, currency } = offers;
  return (
    <>
      <NumberInput
        label="When fewer credits are left than"
        min={1}
        allowDecimal={false}
        allowNegative={false}
        thousandSeparator=","
        {...form.getInputProps("threshold")}
      />
      <Select
        label="Buy"
        allowDeselect={false}
        data={packs.map(({ id, name, price }) => ({
          value: id,
          label: `${name} for ${formatPrice(formatMoney(price))}`,
        }))}
        {...form.getInputProps("pack")}
      />
      <NumberInput
        label={`At most a month, in ${currency.toUpperCase()}`}
        description="Nothing more is bought by itself in a calendar month."
        min={0}
        decimalScale={minorDigits(currency)}
        allowNegative={false}
        thousandSeparator=","
        {...form.getInputProps("monthlyCap")}
      />
    </>
  );
}

/** Without a card there is nothing to charge: the next purchase can bring one. */
function Refused({ error, pack }: { error: unknown; pack: string }) {
  const { buy, busy, error: notBought } = usePayment();
  if (error === null || error === undefined) return null;
  if (failureOf(error).code !== "CARD_NEEDED") return <FailureAlert error={error} />;
  return (
    <Stack gap="xs">
      <Text size="sm">
        There is no card to charge yet. Buy this pack now, and its card is kept for the next ones.
      </Text>
      <Button variant="default" loading={busy} onClick={() => buy({ pack, saveCard: true })}>
        Buy and keep the card
      </Button>
      <FailureAlert error={notBought} />
    </Stack>
  );
}

/** What was agreed before, or something to begin with. */
function proposal({ settings }: View, { packs, currency }: Offers): Values {
  const scale = 10 ** minorDigits(currency);
  const [first] = packs;
  const cap =
    settings?.monthlyCap.amountMinor ?? (first ? first.price.amountMinor * DEFAULT_PACKS_A_MONTH : 0n);
  const known = packs.find(({ id }) => id === settings?.pack);
  return {
    threshold: settings?.threshold ?? DEFAULT_THRESHOLD,
    pack: (known ?? first)?.id ?? "",
    monthlyCap: Number(cap) / scale,
  };
}

/** The other way round: what the form says, as it is agreed to. */
function agreed({ threshold, pack, monthlyCap }: Values, { currency }: Offers) {
  return {
    enabled: true as const,
    threshold: Number(threshold),
    pack,
    monthlyCapMinor: Math.round(Number(monthlyCap) * 10 ** minorDigits(currency)),
  };
}
