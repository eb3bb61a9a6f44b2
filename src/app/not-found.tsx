import { Center, Stack, Text, Title } from "@mantine/core";
import { LinkButton } from "@/components/link-button";
import { LogoMark } from "@/components/logo";

export default function NotFound() {
  return (
    <Center component="main" mih="100dvh" p="xl">
      <Stack align="center" gap="md" maw={420}>
        <LogoMark size={40} />
        <Title order={1} ta="center">
          There is nothing here
        </Title>
        <Text c="dimmed" ta="center">
          The address is wrong, or it is a workspace that you don't belong to.
        </Text>
        <LinkButton href="/sign-in">To my workspace</LinkButton>
      </Stack>
    </Center>
  );
}
