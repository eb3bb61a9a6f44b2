import { createTransport } from "nodemailer";
import type { MailBody } from "./letter-mail";

/** Silence for so long is a dead server. */
const SILENCE_MS = 10_000;
/** A server that talks but never finishes. Far below the lease, so that nobody else takes the mail meanwhile. */
const SEND_MS = 20_000;

export interface OutgoingMail extends MailBody {
  to: string;
  /** `<…>`: the same for a fact and a person however often it is sent, so that the receiving side can tell. */
  messageId: string;
  at: Date;
  /** Where one click ends mails of this kind (RFC 8058); null: they can't be ended. */
  unsubscribeUrl: string | null;
}

/** Hands one mail to the mail server. Rejects when it is not surely taken. */
export type Post = (mail: OutgoingMail) => Promise<void>;

/**
 * Posts over one mail server, a connection a mail. No pool: nodemailer's sends a mail again by itself when a
 * connection ends early, and whether a mail goes twice is for the notification's row to decide.
 */
export function postOffice(settings: { smtpUrl: string; from: string; deadlineMs?: number }): Post {
  const transport = createTransport({
    url: settings.smtpUrl,
    connectionTimeout: SILENCE_MS,
    greetingTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    dnsTimeout: SILENCE_MS,
  });
  return async ({ to, messageId, at, unsubscribeUrl, ...body }) => {
    const sending = transport.sendMail({
      from: settings.from,
      // As an object, so that nothing reads the address once more.
      to: { name: "", address: to },
      messageId,
      date: at,
      headers: { "auto-submitted": "auto-generated", ...unsubscribeHeaders(unsubscribeUrl) },
      ...body,
    });
    await within(settings.deadlineMs ?? SEND_MS, sending);
  };
}

/** The domain of `Tollgate <billing@example.com>`, for Message-IDs. */
export const domainOf = (from: string) => /@([^@<>\s]+?)>?\s*$/.exec(from)?.[1] ?? "localhost";

const unsubscribeHeaders = (url: string | null): Record<string, string> =>
  url ? { "list-unsubscribe": `<${url}>`, "list-unsubscribe-post": "List-Unsubscribe=One-Click" } : {};

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("The mail server never finished.")), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
