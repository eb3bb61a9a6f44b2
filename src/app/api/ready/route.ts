import { isReady } from "@/server/health";
import { runtime } from "@/server/runtime";

export const dynamic = "force-dynamic";

/** The process can serve. Send it no traffic while this is 503. */
export async function GET(): Promise<Response> {
  const ready = await isReady(runtime());
  const headers = { "cache-control": "no-store" };
  return Response.json({ status: ready ? "ready" : "not ready" }, { status: ready ? 200 : 503, headers });
}
