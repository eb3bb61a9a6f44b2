"use client";

import { Center, SegmentedControl, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { useMounted } from "@mantine/hooks";
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";

const CHOICES = [
  { value: "light", label: "Light", Icon: IconSun },
  { value: "auto", label: "As the system", Icon: IconDeviceDesktop },
  { value: "dark", label: "Dark", Icon: IconMoon },
] as const;

/** Light, dark, or as the system has it. The choice is kept in the browser, so the server can't know it. */
export function ColorSchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const mounted = useMounted();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Colour scheme"
      value={mounted ? colorScheme : "auto"}
      onChange={(value) => setColorScheme(value as (typeof CHOICES)[number]["value"])}
      data={CHOICES.map(({ value, label, Icon }) => ({
        value,
        label: (
          <Center h={18} px={2}>
            <Icon size={15} aria-hidden />
            <VisuallyHidden>{label}</VisuallyHidden>
          </Center>
        ),
      }))}
    />
  );
}
