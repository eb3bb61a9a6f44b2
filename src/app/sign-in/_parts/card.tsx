import { Card, Center, Container, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { TextLink } from "@/components/link-button";
import { Logo } from "@/components/logo";

interface SignInCardProps {
  title: string;
  text: ReactNode;
  children: ReactNode;
}

/** The one card in the middle that all sign-in pages are. */
export function SignInCard({ title, text, children }: SignInCardProps) {
  return (
    <Container component="main" size={440} py={{ base: 48, sm: 96 }}>
      <Center mb="xl">
        <TextLink href="/" c="inherit" underline="never">
          <Logo />
        </TextLink>
      </Center>
      <Card padding="xl">
        <Stack gap="lg">
          <Stack gap={6}>
            <Title order={1} fz={22}>
              {title}
            </Title>
            <Text c="dimmed" size="sm" component="div">
              {text}
            </Text>
          </Stack>
          {children}
        </Stack>
      </Card>
    </Container>
  );
}
