import { createTransport } from "nodemailer";

const SMTP_TIMEOUT_MS = 10_000;

export interface SignInMail {
  subject: string;
  text: string;
  html: string;
}

const INK = "#15191b";
const QUIET = "#555d61";
const ACCENT = "#0b7a54";
const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/** The mail with the sign-in link, as text and as HTML that needs nothing from the network. */
export function signInMail(mail: { appName: string; link: string; validMinutes: number }): SignInMail {
  const { appName, link, validMinutes } = mail;
  const valid = `The link works once, within ${validMinutes} minutes.`;
  const ignore = "If you did not ask for it, you can ignore this mail: nobody gets in without the link.";
  return {
    subject: `Sign in to ${appName}`,
    text: `Sign in to ${appName} by opening this link:\n\n${link}\n\n${valid}\n${ignore}\n`,
    html: page({ title: `Sign in to ${escapeHtml(appName)}`, href: escapeHtml(link), valid, ignore }),
  };
}

function page({ title, href, valid, ignore }: Record<"title" | "href" | "valid" | "ignore", string>): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title></head>
<body style="margin:0;padding:32px 16px;background:#f1f3f3;font-family:${FONT};color:${INK}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;margin:0 auto;background:#fff;border:1px solid #e6e9e9;border-radius:12px">
<tr><td style="padding:32px">
<h1 style="margin:0 0 12px;font-size:22px;line-height:1.3">${title}</h1>
<p style="margin:0 0 24px;font-size:15px;line-height:1.5">Use the button to sign in. ${valid}</p>
<p style="margin:0 0 24px"><a href="${href}" style="display:inline-block;padding:12px 24px;background:${ACCENT};color:#fff;font-size:15px;font-weight:600;text-decoration:none;border-radius:8px">Sign in</a></p>
<p style="margin:0 0 8px;font-size:13px;line-height:1.5;color:${QUIET}">Or copy this address into your browser:</p>
<p style="margin:0 0 24px;font-size:13px;line-height:1.5;word-break:break-all"><a href="${href}" style="color:${ACCENT}">${href}</a></p>
<p style="margin:0;font-size:13px;line-height:1.5;color:${QUIET}">${ignore}</p>
</td></tr>
</table>
</body>
</html>
`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** Sends mails over one mail server, to one mailbox each. The sending rejects when the server doesn't take the mail. */
export function mailSender(settings: {
  smtpUrl: string;
  from: string;
}): (mailbox: string, mail: SignInMail) => Promise<void> {
  const transport = createTransport({
    url: settings.smtpUrl,
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  });
  return async (mailbox, mail) => {
    // As an object, so that nothing reads the address once more.
    await transport.sendMail({ from: settings.from, to: { name: "", address: mailbox }, ...mail });
  };
}
