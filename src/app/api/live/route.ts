export const dynamic = "force-dynamic";

/** The process runs. Restart it when this fails; a broken database is no reason to. */
export function GET(): Response {
  return Response.json({ status: "live" }, { headers: { "cache-control": "no-store" } });
}
