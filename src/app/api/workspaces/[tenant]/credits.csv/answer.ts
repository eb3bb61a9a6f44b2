import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { logError } from "@/lib/log";
import type { Runtime } from "@/server/context";
import { CSV_HEADER, movementCsv } from "@/server/credits/csv";
import { apiKeyIn, requestCtx } from "@/server/request";
import { guardRequest } from "@/server/request-guard";
import { createCaller, type Inputs, type Outputs } from "@/server/root";

const ROWS_PER_PAGE = 1_000;

type Page = Outputs["credits"]["history"];
type Filter = Inputs["credits"]["history"];

/**
 * A workspace's history as a file, by session or API key, with the filters of `credits.history` as its query. Read a page
 * at a time as the reader takes it, so a long history needs no more memory than a short one; the balances add up from the
 * first line to the last, because each page goes on where the one before it stood.
 */
export async function answerCreditsCsv(
  runtime: Runtime,
  request: Request,
  tenant: string,
  userIdOf: (headers: Headers) => Promise<string | null>,
): Promise<Response> {
  const guarded = await guardRequest(request, runtime.appUrl);
  if (guarded instanceof Response) return guarded;
  const { headers } = guarded;
  const userId = apiKeyIn(headers) === null ? await userIdOf(headers) : null;
  const { credits } = createCaller(await requestCtx(runtime, { headers, userId, workspace: tenant }));
  const filter = Object.fromEntries(new URL(request.url).searchParams) as Filter;
  const page = (cursor?: string) => credits.history({ ...filter, cursor, limit: ROWS_PER_PAGE });
  try {
    // The first page is read before anything is answered: whoever may not read it gets an error, not a broken file.
    return new Response(csvStream(await page(filter?.cursor), page), {
      headers: {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="${tenant}-${filter?.unit ?? "credits"}.csv"`,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    });
  } catch (error) {
    return refusal(error);
  }
}

function csvStream(first: Page, next: (cursor: string) => Promise<Page>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let heading = CSV_HEADER;
  let read = async () => first;
  return new ReadableStream(
    {
      async pull(controller) {
        const { rows, nextCursor } = await read();
        controller.enqueue(encoder.encode(heading + rows.map(movementCsv).join("")));
        heading = "";
        if (nextCursor === null) controller.close();
        else read = () => next(nextCursor);
      },
    },
    // No page ahead of its reader.
    { highWaterMark: 0 },
  );
}

function refusal(error: unknown): Response {
  const known = error instanceof TRPCError && error.code !== "INTERNAL_SERVER_ERROR" ? error : null;
  if (!known) logError("credits.csv", error);
  const message =
    known?.code === "BAD_REQUEST"
      ? "The request's filters are not valid."
      : (known?.message ?? "Something went wrong on our side.");
  return Response.json(
    { error: { message } },
    { status: known ? getHTTPStatusCodeFromError(known) : 500, headers: { "cache-control": "no-store" } },
  );
}
