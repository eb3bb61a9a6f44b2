"use client";

import { createContext, type ReactNode, useContext } from "react";
import { ApiProvider } from "@/trpc/client";

export interface Workspace {
  slug: string;
  name: string;
  /** IANA name: every date of the workspace is shown in it. */
  timeZone: string;
  mayPay: boolean;
  mayManageKeys: boolean;
}

const WorkspaceContext = createContext<Workspace | null>(null);

/** The workspace of this page, and its API. */
export function WorkspaceProvider({ workspace, children }: { workspace: Workspace; children: ReactNode }) {
  return (
    <WorkspaceContext value={workspace}>
      <ApiProvider key={workspace.slug} workspace={workspace.slug}>
        {children}
      </ApiProvider>
    </WorkspaceContext>
  );
}

export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("useWorkspace is for pages below /[tenant].");
  return workspace;
}
