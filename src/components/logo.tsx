import { Group, Text } from "@mantine/core";
import { site } from "@/config/site";

/** The mark alone. */
export function LogoMark({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-fern-7)" />
      <path d="M9 24V11" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <path d="M9 13.5 24 9" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <circle cx="9" cy="11" r="2.6" fill="#fff" />
      <path d="M19 24h5" stroke="var(--mantine-color-fern-2)" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}

/** The mark with the product's name. */
export function Logo() {
  return (
    <Group gap={10} wrap="nowrap">
      <LogoMark />
      <Text fw={650} fz="lg" lts="-0.02em">
        {site.name}
      </Text>
    </Group>
  );
}
