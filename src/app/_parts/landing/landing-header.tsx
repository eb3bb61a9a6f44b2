import { Container, Group } from "@mantine/core";
import { ColorSchemeMenu } from "@/components/color-scheme-menu";
import { LinkButton, TextLink } from "@/components/link-button";
import { Logo } from "@/components/logo";

/** The sign-in page leads those who are signed in on to their workspace. */
export function LandingHeader({ signedIn }: { signedIn: boolean }) {
  return (
    <Container component="header" size="lg" py="md">
      <Group justify="space-between" wrap="nowrap">
        <TextLink href="/" c="inherit" underline="never">
          <Logo />
        </TextLink>
        <Group gap="sm" wrap="nowrap">
          <ColorSchemeMenu />
          <LinkButton href="/sign-in" variant="default" size="sm">
            {signedIn ? "Open app" : "Sign in"}
          </LinkButton>
        </Group>
      </Group>
    </Container>
  );
}
