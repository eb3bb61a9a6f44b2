import { answerUnsubscribe } from "@/server/notifications/unsubscribe";
import { runtime } from "@/server/runtime";

const answer = (request: Request) => answerUnsubscribe(runtime(), request);

export { answer as GET, answer as POST };
