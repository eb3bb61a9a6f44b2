import { isFromOurPages, readCapped } from "@/lib/requests";
import { AppError, type AppErrorCode } from "../errors";
import type { TimeInput, TimelineInput } from "./inputs";
import type { MachineState, TimeMachine } from "./machine";
import { caughtMails } from "./mail-moments";
import type { Moment } from "./moment";
import { timeline } from "./timeline";

/** As JSON: instants are ISO text. */
export interface TimeAnswer {
  state: MachineState;
  /** The slug of the workspace whose moments these are; empty: everybody's. */
  of: string;
  moments: Moment[];
  workspaces: NonNullable<Moment["workspace"]>[];
}

/** What arrives of it. */
export type TimeWire = Wire<TimeAnswer>;
type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer One)[]
    ? Wire<One>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
const MAX_BODY_BYTES = 10_000;
const STATUS: Partial<Record<AppErrorCode, number>> = { INVALID_INPUT: 400, CONFLICT: 409, BUSY: 503 };

/**
 * The panel's line to the machine. GET says how it stands and what happened; POST gives it an order. From this machine
 * only: another site's page that points its own name here is refused, and so is one that sends a form.
 */
export async function answerTime(
  machine: TimeMachine,
  request: Request,
  from: { appUrl: string; mailboxUrl: string | undefined; userId: () => Promise<string | null> },
): Promise<Response> {
  const { headers } = request;
  if (!LOOPBACK.test(headers.get("host") ?? "")) return answer(403, { error: "From this machine only." });
  try {
    if (request.method === "POST") {
      if (!isFromOurPages(headers, from.appUrl))
        return answer(403, { error: "From the app's own pages only." });
      const body = await readCapped(request, MAX_BODY_BYTES);
      await machine.order(asJson(body) as TimeInput, await from.userId());
    }
    const { searchParams } = new URL(request.url);
    const state = await machine.state();
    // Until somebody chooses, the story that was begun last is shown alone.
    const of = searchParams.get("of") ?? state.story?.slug ?? "";
    const asked = { ...Object.fromEntries(searchParams), of } as TimelineInput;
    const told = await timeline(machine.world.ctx, asked, await caughtMails(from.mailboxUrl));
    return answer(200, { state, of, ...told } satisfies TimeAnswer);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return answer(STATUS[error.code] ?? 500, { error: error.message });
  }
}

function asJson(body: string | null): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    throw new AppError("INVALID_INPUT", "The order is not valid JSON.");
  }
}

const answer = (status: number, body: object) =>
  Response.json(body, { status, headers: { "cache-control": "no-store" } });
