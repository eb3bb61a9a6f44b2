"use client";

import { FailureAlert } from "@/components/failure-alert";

export default function WorkspaceError({ error, retry }: { error: unknown; retry: () => void }) {
  return <FailureAlert error={error} retry={retry} />;
}
