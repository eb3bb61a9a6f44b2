import { CopyBlock } from "@/components/copy-block";

/** superjson wraps what is sent in `json`. */
export function CallExample({ appUrl }: { appUrl: string }) {
  const command = [
    `curl ${appUrl}/api/trpc/quota.consume \\`,
    '  -H "Authorization: Bearer $TOLLGATE_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"json":{"feature":"api_calls","units":1,"key":"request-42"}}'`,
  ].join("\n");
  return <CopyBlock text={command} label="Command" />;
}
