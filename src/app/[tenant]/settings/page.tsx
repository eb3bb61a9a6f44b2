import { Box, Stack, Text } from "@mantine/core";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { QueryBoundary } from "@/components/query-boundary";
import { Section } from "@/components/section";
import { LinesSkeleton } from "@/components/skeletons";
import { env } from "@/env";
import { mayDo } from "@/server/accounts/rules";
import { Prefetched } from "@/trpc/server";
import { openWorkspace } from "../_parts/open-workspace";
import { ApiKeys } from "./_parts/api-keys";
import { CallExample } from "./_parts/call-example";
import { Help } from "./_parts/help";
import { MailSettings } from "./_parts/mail-settings";
import { WorkspaceFacts } from "./_parts/workspace-facts";

export const metadata: Metadata = { title: "Settings" };

export default async function SettingsPage({ params }: PageProps<"/[tenant]/settings">) {
  const { workspace, trpc, queries } = await openWorkspace(params, "settings");
  const mayManageKeys = workspace.role !== null && mayDo(workspace.role, "keys:write");
  if (mayManageKeys) void queries.prefetchQuery(trpc.accounts.apiKeys.list.queryOptions());
  const mayRead = workspace.role !== null && mayDo(workspace.role, "billing:read");
  if (mayRead) void queries.prefetchQuery(trpc.notifications.preferences.queryOptions());
  void queries.prefetchQuery(trpc.quota.status.queryOptions());
  return (
    <Prefetched workspace={workspace.slug}>
      <PageHeader title="Settings" description="The workspace, and the keys with which programs use it." />
      <Stack gap="lg">
        <Section title="Workspace">
          <WorkspaceFacts {...workspace} />
        </Section>
        {mayRead && (
          <Box id="notifications">
            <Section
              title="Mails to you"
              description="What you are mailed about this workspace. The bell shows all of it in any case."
            >
              <QueryBoundary loading={<LinesSkeleton />}>
                <MailSettings />
              </QueryBoundary>
            </Section>
          </Box>
        )}
        {mayManageKeys ? (
          <QueryBoundary loading={<LinesSkeleton />}>
            <ApiKeys />
          </QueryBoundary>
        ) : (
          <Section title="API keys">
            <Text size="sm" c="dimmed">
              Owners and admins of the workspace make and revoke its keys.
            </Text>
          </Section>
        )}
        <Section
          title="Use it from your code"
          description="Asks the gate for one API call, and charges it if there is room."
        >
          <CallExample appUrl={env.APP_URL} />
        </Section>
        <Section title="Help">
          <QueryBoundary loading={<LinesSkeleton lines={1} />}>
            <Help />
          </QueryBoundary>
        </Section>
      </Stack>
    </Prefetched>
  );
}
