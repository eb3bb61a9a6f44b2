"use client";

import { Button, Divider, Stack } from "@mantine/core";
import { IconBrandGithub, IconBrandGoogle } from "@tabler/icons-react";
import { goToProvider } from "./actions";

const PROVIDERS = {
  github: { label: "Continue with GitHub", Icon: IconBrandGithub },
  google: { label: "Continue with Google", Icon: IconBrandGoogle },
};

interface ProviderButtonsProps {
  /** Those that are configured; none shows nothing. */
  providers: (keyof typeof PROVIDERS)[];
  callbackUrl: string;
}

export function ProviderButtons({ providers, callbackUrl }: ProviderButtonsProps) {
  if (providers.length === 0) return null;
  return (
    <Stack gap="sm">
      <Divider label="or" />
      {providers.map((provider) => {
        const { label, Icon } = PROVIDERS[provider];
        return (
          <form key={provider} action={goToProvider}>
            <input type="hidden" name="callbackUrl" value={callbackUrl} />
            <input type="hidden" name="provider" value={provider} />
            <Button
              type="submit"
              variant="default"
              size="md"
              fullWidth
              leftSection={<Icon size={18} aria-hidden />}
            >
              {label}
            </Button>
          </form>
        );
      })}
    </Stack>
  );
}
