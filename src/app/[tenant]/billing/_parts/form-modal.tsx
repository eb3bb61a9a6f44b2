import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { FormEventHandler, ReactNode } from "react";
import { FailureAlert } from "@/components/failure-alert";

interface FormModalProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function FormModal({ title, children, ...rest }: FormModalProps) {
  return (
    <Modal title={<Text fw={600}>{title}</Text>} {...rest}>
      {children}
    </Modal>
  );
}

interface FieldsProps {
  submit: string;
  saving: boolean;
  error: unknown;
  onSubmit: FormEventHandler<HTMLFormElement>;
  onCancel: () => void;
  children: ReactNode;
}

/** The fields of a form with what went wrong and its two buttons below. */
export function Fields({ submit, saving, error, onSubmit, onCancel, children }: FieldsProps) {
  return (
    <form onSubmit={onSubmit}>
      <Stack gap="md">
        {children}
        <FailureAlert error={error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="subtle" color="gray" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={saving}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
