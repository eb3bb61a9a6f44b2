import { mayDo, type Permission } from "@/server/accounts/rules";
import { serverApi } from "@/trpc/server";
import { findWorkspace } from "./_parts/open-workspace";
import { Shell } from "./_parts/shell";
import { SimulatedBanner } from "./_parts/simulated-banner";
import { UserMenu } from "./_parts/user-menu";
import { WorkspaceProvider } from "./_parts/workspace-context";
import { WorkspaceSwitcher } from "./_parts/workspace-switcher";

export default async function WorkspaceLayout({ params, children }: LayoutProps<"/[tenant]">) {
  const { tenant } = await params;
  const workspace = await findWorkspace(tenant);
  // Nobody is signed in: the page below knows its own address, and sends them to the sign-in with it.
  if (!workspace) return children;
  const { caller, person } = await serverApi(tenant);
  const workspaces = await caller.accounts.workspaces();
  const { slug, name, timeZone, role } = workspace;
  const may = (permission: Permission) => role !== null && mayDo(role, permission);
  return (
    <WorkspaceProvider
      workspace={{ slug, name, timeZone, mayPay: may("billing:write"), mayManageKeys: may("keys:write") }}
    >
      <Shell
        banner={<SimulatedBanner />}
        sidebarTop={
          <WorkspaceSwitcher workspaces={workspaces.map((one) => ({ slug: one.slug, name: one.name }))} />
        }
        sidebarBottom={<UserMenu email={person?.email ?? ""} />}
      >
        {children}
      </Shell>
    </WorkspaceProvider>
  );
}
