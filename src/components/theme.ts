"use client";

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const fern: MantineColorsTuple = [
  "#ebf9f3",
  "#d3f1e3",
  "#a6e3c9",
  "#70d1aa",
  "#42bd8d",
  "#22a777",
  "#128f63",
  "#0b7a54",
  "#086246",
  "#064a36",
];

const gray: MantineColorsTuple = [
  "#f8f9f9",
  "#f1f3f3",
  "#e6e9e9",
  "#d7dbdc",
  "#bcc2c4",
  "#979fa2",
  "#687175",
  "#555d61",
  "#3a4144",
  "#202527",
];

const dark: MantineColorsTuple = [
  "#e8eaea",
  "#c3c8c9",
  "#9da5a7",
  "#727b7e",
  "#3d4447",
  "#2c3235",
  "#1f2426",
  "#14181a",
  "#0f1214",
  "#0a0c0d",
];

export const theme = createTheme({
  primaryColor: "fern",
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  colors: { fern, gray, dark },
  black: "#15191b",
  fontFamily: "var(--font-inter), system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace",
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  headings: {
    fontWeight: "600",
    textWrap: "balance",
    sizes: {
      h1: { fontSize: "1.625rem", lineHeight: "1.25" },
      h2: { fontSize: "1.125rem", lineHeight: "1.35" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
    },
  },
  components: {
    Card: { defaultProps: { withBorder: true, padding: "lg", radius: "lg" } },
    Modal: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Close" },
        centered: true,
        radius: "lg",
        overlayProps: { backgroundOpacity: 0.4, blur: 2 },
      },
    },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Dismiss" } } },
    Tooltip: { defaultProps: { withArrow: true } },
    Menu: { defaultProps: { shadow: "md", radius: "md" } },
    Badge: { defaultProps: { radius: "sm", variant: "light", tt: "none" } },
    Anchor: { defaultProps: { underline: "hover" } },
  },
});

/** Where Mantine's own shades miss the 4.5:1 of WCAG AA: dimmed text, errors, and text on a light tint. */
export const cssVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#555d61",
    "--mantine-color-placeholder": "#6a7377",
    "--mantine-color-error": "#c2252b",
    "--mantine-color-default-border": "var(--mantine-color-gray-3)",
    "--app-backdrop": "#fafbfb",
    "--app-line": "var(--mantine-color-gray-2)",
    ...onTint(colors, 9),
    ...softTints(colors, 9),
    "--mantine-color-yellow-light-color": "#7a4b00",
    "--mantine-color-orange-light-color": "#a33b06",
  },
  dark: {
    "--mantine-color-dimmed": "#a6aeb0",
    "--mantine-color-placeholder": "#8d9699",
    "--mantine-color-error": "#ff8b8b",
    "--app-backdrop": "#0f1214",
    "--app-line": "var(--mantine-color-dark-5)",
    ...onTint(colors, 2),
    ...softTints(colors, 14),
  },
});

function onTint(colors: object, shade: number): Record<string, string> {
  const names = Object.keys(colors);
  return Object.fromEntries(
    names.map((name) => [`--mantine-color-${name}-light-color`, `var(--mantine-color-${name}-${shade})`]),
  );
}

/** A tint is a breath of its colour: Mantine's own is solid in the dark, and louder than what it holds. */
function softTints(colors: object, percent: number): Record<string, string> {
  const mix = (name: string, share: number) =>
    `color-mix(in srgb, var(--mantine-color-${name}-6) ${share}%, transparent)`;
  return Object.fromEntries(
    Object.keys(colors).flatMap((name) => [
      [`--mantine-color-${name}-light`, mix(name, percent)],
      [`--mantine-color-${name}-light-hover`, mix(name, percent + 6)],
    ]),
  );
}
