import { env } from "@/env";
import { auth } from "@/server/auth";
import { hasTimeMachine } from "@/server/one-clock";
import { answerTime } from "@/server/time/request";
import { timeMachine } from "@/server/time-machine";

/** The panel's line to the machine. Its name keeps it out of every production build: see next.config.mjs. */
async function answer(request: Request): Promise<Response> {
  if (!hasTimeMachine()) return new Response("Not found.", { status: 404 });
  return answerTime(timeMachine(), request, {
    appUrl: env.APP_URL,
    mailboxUrl: env.MAILBOX_URL,
    userId: async () => (await auth())?.user.id ?? null,
  });
}

export { answer as GET, answer as POST };
