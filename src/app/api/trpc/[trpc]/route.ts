import { authentication } from "@/server/auth";
import { runtime } from "@/server/runtime";
import { answerApiRequest } from "./answer";

function answer(request: Request): Promise<Response> {
  return answerApiRequest(runtime(), request, async (headers) => {
    const session = await authentication().sessionOf(headers);
    return session?.user.id ?? null;
  });
}

export { answer as GET, answer as POST };
