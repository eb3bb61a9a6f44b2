import { createHash, timingSafeEqual } from "node:crypto";
import { logError } from "@/lib/log";
import { createCtx, type Runtime } from "./context";
import { jobNamed } from "./jobs";

/**
 * Runs a job for whoever knows CRON_SECRET, and says what was done. 401 without it, and always while it is unset;
 * 404 for an unknown job; 500 when the job failed, so that the caller's own monitoring sees it.
 */
export async function answerCron(
  runtime: Runtime,
  call: { job: string; authorization: string | null; secret: string | undefined },
): Promise<Response> {
  if (!isAuthorized(call.authorization, call.secret)) return answer(401, { error: "Unauthorized." });
  const job = jobNamed(call.job);
  if (!job) return answer(404, { error: "There is no such job." });
  try {
    const done = await job(createCtx(runtime, { kind: "cron", job: call.job }));
    return answer(200, { job: call.job, done });
  } catch (error) {
    logError(`cron ${call.job}`, error);
    return answer(500, { error: "The job failed. See the log." });
  }
}

/** Hashes have one length, so comparing them tells nothing about the secret's. */
function isAuthorized(authorization: string | null, secret: string | undefined): boolean {
  if (!secret || !authorization) return false;
  return timingSafeEqual(sha256(authorization), sha256(`Bearer ${secret}`));
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();

function answer(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
