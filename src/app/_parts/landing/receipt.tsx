import { Box, Group, Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import classes from "./landing.module.css";

const LINES = [
  ["Asked", "40 compute units"],
  ["From the allowance", "25 units"],
  ["From credits", "15 credits"],
  ["Used this week", "100 of 100"],
  ["Resets", "In 3 days"],
  ["Plan", "Free, version 1"],
] as const;

/** What one decision of the gate looks like: the product in a picture. */
export function Receipt() {
  return (
    <Box className={classes.receipt} component="figure">
      <Group gap={10} mb="md" wrap="nowrap">
        <IconCircleCheck size={22} className={classes.allowed} aria-hidden />
        <div>
          <Text fw={600}>Allowed</Text>
          <Text size="xs" c="dimmed">
            runs.start, charged with the work in one transaction
          </Text>
        </div>
      </Group>
      <dl className={classes.lines}>
        {LINES.map(([term, value]) => (
          <div key={term} className={classes.line}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Text component="figcaption" size="xs" c="dimmed" mt="md">
        Every charge leaves a receipt like this one. The same idempotency key gives the same receipt, and
        never charges twice.
      </Text>
    </Box>
  );
}
