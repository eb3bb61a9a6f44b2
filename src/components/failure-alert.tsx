"use client";

import { Alert, Button, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { failureOf } from "./failure";

interface FailureAlertProps {
  error: unknown;
  /** Offers to do it again. */
  retry?: () => void;
}

/** An error with its message and advice. Shows nothing for null. */
export function FailureAlert({ error, retry }: FailureAlertProps) {
  if (error === null || error === undefined) return null;
  const { message, advice, payUrl } = failureOf(error);
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title={message} role="alert">
      {advice && <Text size="sm">{advice}</Text>}
      {payUrl && (
        <Button mt="xs" size="xs" component="a" href={payUrl} target="_blank" rel="noreferrer">
          Pay now
        </Button>
      )}
      {retry && (
        <Button mt={advice ? "sm" : 0} size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
