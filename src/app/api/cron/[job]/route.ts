import { env } from "@/env";
import { answerCron } from "@/server/cron";
import { runtime } from "@/server/runtime";

async function run(request: Request, { params }: { params: Promise<{ job: string }> }): Promise<Response> {
  const { job } = await params;
  const authorization = request.headers.get("authorization");
  return answerCron(runtime(), { job, authorization, secret: env.CRON_SECRET });
}

export { run as GET, run as POST };
