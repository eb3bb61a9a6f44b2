"use client";

import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconCreditCard, IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { FailureAlert } from "@/components/failure-alert";
import { Section } from "@/components/section";
import { SureButton } from "@/components/sure-button";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "../../_parts/workspace-context";

type Method = Outputs["billing"]["paymentMethods"][number];

/** What can be charged, which of it is, and how more comes. */
export function PaymentMethods() {
  const trpc = useTRPC();
  const { mayPay } = useWorkspace();
  const { data: methods } = useSuspenseQuery(trpc.billing.paymentMethods.queryOptions());
  const add = useMutation(
    trpc.billing.addPaymentMethod.mutationOptions({ onSuccess: ({ url }) => window.location.assign(url) }),
  );
  return (
    <Section
      title="Payment methods"
      description="The default one is charged for what comes next."
      actions={
        mayPay && (
          <Button
            variant="default"
            size="sm"
            leftSection={<IconPlus size={16} aria-hidden />}
            loading={add.isPending || add.isSuccess}
            onClick={() => add.mutate()}
          >
            Add a card
          </Button>
        )
      }
    >
      <Stack gap="sm">
        <FailureAlert error={add.error} />
        {methods.length === 0 && (
          <Text size="sm" c="dimmed">
            There is no card yet. One is kept when you subscribe, or when you add it here.
          </Text>
        )}
        {methods.map((method) => (
          <Row key={method.id} method={method} />
        ))}
      </Stack>
    </Section>
  );
}

function Row({ method }: { method: Method }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const { mayPay } = useWorkspace();
  const onSuccess = (methods: Method[]) =>
    queries.setQueryData(trpc.billing.paymentMethods.queryKey(), methods);
  const makeDefault = useMutation(trpc.billing.setDefaultPaymentMethod.mutationOptions({ onSuccess }));
  const remove = useMutation(trpc.billing.removePaymentMethod.mutationOptions({ onSuccess }));
  const { id, isDefault } = method;
  const name = nameOf(method);
  return (
    <Stack gap="xs" role="group" aria-label={name}>
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <IconCreditCard size={20} aria-hidden />
          <Stack gap={0}>
            <Text size="sm" fw={550}>
              {name}
            </Text>
            {method.expiresOn && (
              <Text size="xs" c="dimmed">
                Expires {String(method.expiresOn.month).padStart(2, "0")}/{method.expiresOn.year}
              </Text>
            )}
          </Stack>
          {isDefault && <Badge>Default</Badge>}
        </Group>
        {mayPay && (
          <Group gap="xs">
            {!isDefault && (
              <Button
                size="xs"
                variant="default"
                loading={makeDefault.isPending}
                onClick={() => makeDefault.mutate({ id })}
              >
                Make default
              </Button>
            )}
            <SureButton
              verb="Remove"
              name={name}
              size="xs"
              variant="subtle"
              busy={remove.isPending}
              onSure={() => remove.mutate({ id })}
            />
          </Group>
        )}
      </Group>
      <FailureAlert error={makeDefault.error ?? remove.error} />
    </Stack>
  );
}

function nameOf({ brand, last4 }: Method): string {
  const word = brand.charAt(0).toUpperCase() + brand.slice(1).replaceAll("_", " ");
  return last4 ? `${word} ending in ${last4}` : word;
}
