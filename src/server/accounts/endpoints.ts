import { isFromOurPages, readCapped } from "@/lib/requests";
import { AppError } from "../errors";

export const BASE_PATH = "/api/auth";
const MAX_BODY_BYTES = 16_384;

/** One of next-auth's actions, called as if the request had come to the app's own origin. */
export type Call = (
  action: string,
  request: { cookies?: string; query?: string; form?: Record<string, string> },
) => Promise<Response>;

/** What next-auth's own page would do: fetch its token against forged forms, then post the form. */
export async function askForMail(call: Call, form: { email: string; callbackUrl: string }): Promise<void> {
  const csrf = await call("csrf", {});
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };
  const cookies = csrf.headers.getSetCookie().map((line) => line.split(";")[0]);
  const answer = await call("signin/nodemailer", {
    cookies: cookies.join("; "),
    form: { ...form, csrfToken },
  });
  const location = answer.headers.get("location");
  if (!location || new URL(location).searchParams.has("error")) {
    throw new AppError("BUSY", "The mail could not be sent. Please try again in a moment.");
  }
}

/** The outside's endpoints, `/api/auth/*`: narrower than next-auth's own. */
export async function answerEndpoint(request: Request, call: Call, appUrl: string): Promise<Response> {
  const url = new URL(request.url);
  const action = url.pathname.slice(BASE_PATH.length + 1);
  const cookies = request.headers.get("cookie") ?? "";
  if (request.method !== "POST") {
    // Only the button of /sign-in/confirm uses a link up, and it posts.
    if (action === "callback/nodemailer") return refuse(405);
    return call(action, { cookies, query: url.search });
  }
  // Mails go out by `sendLink` only, which counts them.
  if (action === "signin/nodemailer") return refuse(404);
  if (!isFromOurPages(request.headers, appUrl)) return refuse(403);
  const body = await readCapped(request, MAX_BODY_BYTES);
  if (body === null) return refuse(413);
  const form = Object.fromEntries(new URLSearchParams(body));
  if (action !== "callback/nodemailer") return call(action, { cookies, query: url.search, form });
  const { token = "", email = "", callbackUrl = "" } = form;
  const query = `?${new URLSearchParams({ token, email, callbackUrl })}`;
  return call(action, { cookies, query, form: { callbackUrl } });
}

function refuse(status: 403 | 404 | 405 | 413): Response {
  return Response.json({ message: "Refused." }, { status });
}
