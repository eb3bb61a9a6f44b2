import { isProduction } from "@/env";
import { previewLetters } from "@/server/notifications/preview";
import { runtime } from "@/server/runtime";

/** Reads the request, so that no build keeps an answer of its own. */
export function GET(_request: Request): Response {
  return isProduction() ? new Response("Not found.", { status: 404 }) : previewLetters(runtime());
}
