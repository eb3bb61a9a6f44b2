"use server";

import { authentication } from "@/server/auth";

/** Ends the session on the server and goes to the landing page. */
export async function signOutHere(): Promise<never> {
  return authentication().signOut();
}
