"use client";

import { Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { TAX_ID_KINDS } from "@/lib/tax-ids";
import { useTRPC } from "@/trpc/client";
import { Fields, FormModal } from "./form-modal";
import { useDetails } from "./use-details";

interface TaxIdFormProps {
  opened: boolean;
  onClose: () => void;
}

/** One more tax number for the invoices. */
export function TaxIdForm({ opened, onClose }: TaxIdFormProps) {
  return (
    <FormModal title="Add a tax ID" opened={opened} onClose={onClose}>
      <TaxIdFields onClose={onClose} />
    </FormModal>
  );
}

function TaxIdFields({ onClose }: { onClose: () => void }) {
  const trpc = useTRPC();
  const form = useForm({
    initialValues: { type: "eu_vat", value: "" },
    validate: { value: (value) => (value.trim() ? null : "Type the number") },
  });
  const add = useMutation(trpc.billing.addTaxId.mutationOptions(useDetails(onClose)));
  const kind = TAX_ID_KINDS.find(({ type }) => type === form.values.type);
  return (
    <Fields
      submit="Add it"
      saving={add.isPending}
      error={add.error}
      onSubmit={form.onSubmit((values) => add.mutate(values))}
      onCancel={onClose}
    >
      <Select
        label="Kind"
        searchable
        allowDeselect={false}
        data={TAX_ID_KINDS.map(({ type, name }) => ({ value: type, label: name }))}
        {...form.getInputProps("type")}
      />
      <TextInput
        label="Number"
        placeholder={kind?.example}
        maxLength={40}
        autoComplete="off"
        {...form.getInputProps("value")}
      />
    </Fields>
  );
}
