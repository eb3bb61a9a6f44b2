"use client";

import { Group, Select, Stack, TextInput } from "@mantine/core";
import { type UseFormReturnType, useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { COUNTRIES, countryName } from "@/lib/countries";
import type { Inputs, Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";
import { Fields, FormModal } from "./form-modal";
import { useDetails } from "./use-details";

type View = Outputs["billing"]["details"];

interface DetailsFormProps {
  details: View;
  opened: boolean;
  onClose: () => void;
}

/** Name, mail address and postal address. */
export function DetailsForm({ details, opened, onClose }: DetailsFormProps) {
  return (
    <FormModal title="Billing details" opened={opened} onClose={onClose}>
      <DetailsFields details={details} onClose={onClose} />
    </FormModal>
  );
}

interface Values {
  name: string;
  email: string;
  line1: string;
  line2: string;
  postalCode: string;
  city: string;
  state: string;
  country: string | null;
}

function DetailsFields({ details, onClose }: Omit<DetailsFormProps, "opened">) {
  const trpc = useTRPC();
  const form = useForm<Values>({
    initialValues: asTyped(details),
    validate: {
      name: (name) => (name.trim() ? null : "Enter whom the invoice is for"),
      email: (email) =>
        /^\S+@\S+\.\S+$/.test(email.trim()) ? null : "Enter a mail address, such as books@example.com",
      line1: (line1, values) => (hasAddress(values) && !line1.trim() ? "Enter street and number" : null),
      country: (country, values) => (hasAddress(values) && !country ? "Choose the country" : null),
    },
  });
  const save = useMutation(trpc.billing.updateDetails.mutationOptions(useDetails(onClose)));
  return (
    <Fields
      submit="Save"
      saving={save.isPending}
      error={save.error}
      onSubmit={form.onSubmit((values) => save.mutate(asSent(values)))}
      onCancel={onClose}
    >
      <TextInput label="Name or company" autoComplete="organization" {...form.getInputProps("name")} />
      <TextInput label="Mail address" autoComplete="email" {...form.getInputProps("email")} />
      <AddressFields form={form} />
    </Fields>
  );
}

function AddressFields({ form }: { form: UseFormReturnType<Values> }) {
  return (
    <>
      <Stack gap={6}>
        <TextInput label="Address" autoComplete="address-line1" {...form.getInputProps("line1")} />
        <TextInput
          aria-label="Address, second line"
          placeholder="Floor, suite, care of (if you like)"
          autoComplete="address-line2"
          {...form.getInputProps("line2")}
        />
      </Stack>
      <Group align="flex-start" gap="md" grow>
        <TextInput label="Postal code" autoComplete="postal-code" {...form.getInputProps("postalCode")} />
        <TextInput label="City" autoComplete="address-level2" {...form.getInputProps("city")} />
      </Group>
      <Group align="flex-start" gap="md" grow>
        <TextInput label="State or region" autoComplete="address-level1" {...form.getInputProps("state")} />
        <Select
          label="Country"
          searchable
          clearable
          data={countries()}
          autoComplete="off"
          {...form.getInputProps("country")}
        />
      </Group>
    </>
  );
}

const countries = () =>
  COUNTRIES.map((code) => ({ value: code, label: countryName(code) })).sort((a, b) =>
    a.label.localeCompare(b.label, "en"),
  );

const hasAddress = ({ line1, line2, postalCode, city, state, country }: Values) =>
  Boolean(`${line1}${line2}${postalCode}${city}${state}`.trim()) || country !== null;

function asTyped({ name, email, address }: View): Values {
  const { line1 = "", line2 = "", postalCode = "", city = "", state = "", country } = address ?? {};
  return {
    name: name ?? "",
    email: email ?? "",
    line1,
    line2,
    postalCode,
    city,
    state,
    country: country || null,
  };
}

function asSent(values: Values): Inputs["billing"]["updateDetails"] {
  const { name, email, country, ...lines } = values;
  return {
    name,
    email: email.trim(),
    address: hasAddress(values) && country ? { ...lines, country } : null,
  };
}
