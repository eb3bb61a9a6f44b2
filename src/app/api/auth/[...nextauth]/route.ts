import { authentication } from "@/server/auth";

function answer(request: Request): Promise<Response> {
  return authentication().handle(request);
}

export { answer as GET, answer as POST };
