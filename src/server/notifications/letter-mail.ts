import type { Letter } from "./letter";

/** A letter as it leaves the house. */
export interface MailBody {
  subject: string;
  text: string;
  html: string;
}

/** What stands below every letter. */
interface Foot {
  appName: string;
  workspace: string;
  settingsUrl: string;
  /** null: this kind of mail can't be switched off. */
  unsubscribeUrl: string | null;
}

const INK = "#15191b";
const QUIET = "#555d61";
const ACCENT = "#0b7a54";
const LINE = "#e6e9e9";
const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/** A letter as text and as HTML that needs nothing from the network. All that comes from outside is escaped here. */
export function letterMail(letter: Letter, foot: Foot): MailBody {
  const subject = oneLine(`${letter.title} (${foot.workspace})`);
  return { subject, text: textOf(letter, foot), html: htmlOf(letter, foot) };
}

function textOf({ title, paragraphs, details = [], action }: Letter, foot: Foot): string {
  const parts = [
    title,
    ...paragraphs,
    ...(details.length > 0 ? [details.map(([term, text]) => `${term}: ${text}`).join("\n")] : []),
    `${action.label}: ${action.url}`,
    `-- \n${whyOf(foot)}\n${linksOf(foot)
      .map(({ label, url }) => `${label}: ${url}`)
      .join("\n")}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function htmlOf({ title, paragraphs, details = [], action }: Letter, foot: Foot): string {
  const links = linksOf(foot).map(({ label, url }) => link(label, url, `color:${QUIET}`));
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:32px 16px;background:#f1f3f3;font-family:${FONT};color:${INK}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:520px;margin:0 auto;background:#fff;border:1px solid ${LINE};border-radius:12px">
<tr><td style="padding:32px">
<p style="margin:0 0 8px;font-size:13px;color:${QUIET}">${escapeHtml(foot.workspace)}</p>
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">${escapeHtml(title)}</h1>
${paragraphs.map(paragraph).join("\n")}
${detailTable(details)}<p style="margin:24px 0">${link(action.label, action.url, `display:inline-block;padding:12px 24px;background:${ACCENT};color:#fff;font-size:15px;font-weight:600;text-decoration:none;border-radius:8px`)}</p>
<p style="margin:24px 0 0;padding-top:16px;border-top:1px solid ${LINE};font-size:13px;line-height:1.5;color:${QUIET}">${escapeHtml(whyOf(foot))}<br>${links.join(" · ")}</p>
</td></tr>
</table>
</body>
</html>
`;
}

const paragraph = (text: string) =>
  `<p style="margin:0 0 12px;font-size:15px;line-height:1.5">${escapeHtml(text)}</p>`;

function detailTable(details: NonNullable<Letter["details"]>): string {
  if (details.length === 0) return "";
  const cell = (text: string, more: string) =>
    `<td style="padding:8px 0;border-top:1px solid ${LINE};font-size:14px;${more}">${escapeHtml(text)}</td>`;
  const rows = details.map(
    ([term, text]) =>
      `<tr>${cell(term, `color:${QUIET}`)}${cell(text, "text-align:right;overflow-wrap:anywhere")}</tr>`,
  );
  return `<table width="100%" cellpadding="0" cellspacing="0" style="margin:16px 0">\n${rows.join("\n")}\n</table>\n`;
}

const link = (label: string, url: string, style: string) =>
  `<a href="${escapeHtml(url)}" style="${style}">${escapeHtml(label)}</a>`;

const whyOf = ({ appName, workspace }: Foot) =>
  `${appName} sent you this because you look after the payments of ${oneLine(workspace)}.`;

function linksOf({ settingsUrl, unsubscribeUrl }: Foot): { label: string; url: string }[] {
  const settings = { label: "What we mail you", url: settingsUrl };
  return unsubscribeUrl
    ? [settings, { label: "No more mails of this kind", url: unsubscribeUrl }]
    : [settings];
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** A subject is one line, whatever a workspace is called. */
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
