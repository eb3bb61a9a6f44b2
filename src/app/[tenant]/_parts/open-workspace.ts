import { TRPCError } from "@trpc/server";
import { notFound, redirect } from "next/navigation";
import { cache } from "react";
import { serverApi } from "@/trpc/server";

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** The workspace of the address; null when nobody is signed in. Unknown and foreign ones are a 404 alike. */
export const findWorkspace = cache(async (slug: string) => {
  if (!SLUG.test(slug)) notFound();
  const { caller, person } = await serverApi(slug);
  if (!person) return null;
  try {
    return await caller.accounts.workspace();
  } catch (error) {
    if (error instanceof TRPCError && error.code === "NOT_FOUND") notFound();
    throw error;
  }
});

/**
 * What every page of a workspace begins with: its API for prefetching, and who is looking.
 * Those who aren't signed in are sent to do so, and come back to `page` ("", "usage", …).
 */
export async function openWorkspace(params: Promise<{ tenant: string }>, page: string) {
  const { tenant } = await params;
  const workspace = await findWorkspace(tenant);
  const path = page ? `/${tenant}/${page}` : `/${tenant}`;
  if (!workspace) redirect(`/sign-in?callbackUrl=${encodeURIComponent(path)}`);
  return { workspace, ...(await serverApi(tenant)) };
}
