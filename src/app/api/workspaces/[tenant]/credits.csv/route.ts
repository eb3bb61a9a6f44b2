import { authentication } from "@/server/auth";
import { runtime } from "@/server/runtime";
import { answerCreditsCsv } from "./answer";

export async function GET(
  request: Request,
  { params }: { params: Promise<{ tenant: string }> },
): Promise<Response> {
  const { tenant } = await params;
  return answerCreditsCsv(runtime(), request, tenant, async (headers) => {
    const session = await authentication().sessionOf(headers);
    return session?.user.id ?? null;
  });
}
