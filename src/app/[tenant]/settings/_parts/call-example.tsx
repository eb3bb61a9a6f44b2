"use client";

import { Code, Stack, Tabs, TabsList, TabsPanel, TabsTab, Text } from "@mantine/core";
import { CopyBlock } from "@/components/copy-block";

/** One charge, in the languages of those who ask. */
export function CallExample({ appUrl }: { appUrl: string }) {
  return (
    <Tabs defaultValue="typescript" keepMounted={false}>
      <TabsList mb="md">
        <TabsTab value="typescript">TypeScript</TabsTab>
        <TabsTab value="curl">curl</TabsTab>
      </TabsList>
      <TabsPanel value="typescript">
        <Stack gap="sm">
          <CopyBlock text={typeScript(appUrl)} label="Code" />
          <Text size="sm" c="dimmed">
            Copy the folder <Code>src/client</Code> and install superjson. It repeats what got lost without
            charging twice, and throws what was refused.
          </Text>
        </Stack>
      </TabsPanel>
      <TabsPanel value="curl">
        <Stack gap="sm">
          <CopyBlock text={curl(appUrl)} label="Command" />
          <Text size="sm" c="dimmed">
            402 says what is missing. The same key never charges twice.
          </Text>
        </Stack>
      </TabsPanel>
    </Tabs>
  );
}

function typeScript(appUrl: string): string {
  return [
    'import { createTollgate } from "./client/tollgate-client";',
    "",
    `const url = "${appUrl}";`,
    'const tollgate = createTollgate({ url, apiKey: process.env.TOLLGATE_KEY ?? "" });',
    "",
    'const { remaining } = await tollgate.consume({ feature: "api_calls", units: 1 });',
  ].join("\n");
}

/** superjson wraps what is sent in `json`. */
function curl(appUrl: string): string {
  return [
    `curl ${appUrl}/api/trpc/quota.consume \\`,
    '  -H "Authorization: Bearer $TOLLGATE_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"json":{"feature":"api_calls","units":1,"key":"request-42"}}'`,
  ].join("\n");
}
