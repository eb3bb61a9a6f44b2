"use client";

import { Badge, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconPencil, IconPlus } from "@tabler/icons-react";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { Section } from "@/components/section";
import { SureButton } from "@/components/sure-button";
import { taxIdName } from "@/lib/tax-ids";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";
import { DetailsForm } from "./details-form";
import { TaxIdForm } from "./tax-id-form";
import { useDetails } from "./use-details";

type View = Outputs["billing"]["details"];

/** Whom invoices are for. */
export function Details() {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data: details } = useSuspenseQuery(trpc.billing.details.queryOptions());
  const [open, setOpen] = useState<"details" | "tax-id" | null>(null);
  const close = () => setOpen(null);
  return (
    <Section
      title="Billing details"
      description="Printed on every invoice from now on. Those that are there already stay as they are."
      actions={
        mayPay && (
          <Button
            variant="default"
            size="sm"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={() => setOpen("details")}
          >
            Edit
          </Button>
        )
      }
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
        <WhoAndWhere details={details} />
        <TaxIds taxIds={details.taxIds} onAdd={() => setOpen("tax-id")} />
      </SimpleGrid>
      <DetailsForm details={details} opened={open === "details"} onClose={close} />
      <TaxIdForm opened={open === "tax-id"} onClose={close} />
    </Section>
  );
}

function WhoAndWhere({ details: { name, email, address } }: { details: View }) {
  if (name === null && email === null && address === null)
    return (
      <Text size="sm" c="dimmed">
        Nothing is written down yet.
      </Text>
    );
  const { line1, line2, postalCode, city, state, countryName } = address ?? {};
  const lines = [line1, line2, [postalCode, city].filter(Boolean).join(" "), state, countryName];
  return (
    <Stack gap={2}>
      <Text size="sm" fw={550}>
        {name ?? "No name"}
      </Text>
      {lines.filter(Boolean).map((line) => (
        <Text size="sm" key={line}>
          {line}
        </Text>
      ))}
      <Text size="sm" c="dimmed">
        {email}
      </Text>
    </Stack>
  );
}

function TaxIds({ taxIds, onAdd }: { taxIds: View["taxIds"]; onAdd: () => void }) {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const remove = useMutation(trpc.billing.removeTaxId.mutationOptions(useDetails()));
  return (
    <Stack gap="sm" align="flex-start">
      {taxIds.length === 0 && (
        <Text size="sm" c="dimmed">
          No tax ID.
        </Text>
      )}
      {taxIds.map(({ id, type, value, verification }) => (
        <Group key={id} gap="sm" role="group" aria-label={value}>
          <Stack gap={0}>
            <Text size="sm" fw={550}>
              {value}
            </Text>
            <Text size="xs" c="dimmed">
              {taxIdName(type)}
            </Text>
          </Stack>
          <Verification status={verification} />
          {mayPay && (
            <SureButton
              verb="Remove"
              name={value}
              size="xs"
              variant="subtle"
              busy={remove.isPending && remove.variables.id === id}
              onSure={() => remove.mutate({ id })}
            />
          )}
        </Group>
      ))}
      {mayPay && (
        <Button size="xs" variant="default" leftSection={<IconPlus size={15} aria-hidden />} onClick={onAdd}>
          Add a tax ID
        </Button>
      )}
      <FailureAlert error={remove.error} />
    </Stack>
  );
}

const VERIFICATIONS: Record<string, [word: string, color: string]> = {
  verified: ["Verified", "fern"],
  pending: ["Being checked", "gray"],
  unverified: ["Not in the register", "yellow"],
};

/** What the country's register says, where there is one to ask. */
function Verification({ status }: { status: string }) {
  const [word, color] = VERIFICATIONS[status] ?? [];
  return word ? <Badge color={color}>{word}</Badge> : null;
}
