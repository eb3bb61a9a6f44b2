import type { CaughtMail } from "./store";

/** The inbox, with one mail opened beside it (on a phone: instead of it) where `open` is given. */
export function renderInbox(mails: CaughtMail[], nonce: string, open?: CaughtMail): string {
  const title = open ? escapeHtml(open.subject) : "Mailbox";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>${title} · Tollgate mailbox</title>
<style nonce="${nonce}">${styles}</style></head>
<body class="${open ? "reading" : "listing"}">
<header><a href="/" class="brand">Mailbox</a><span class="muted">Nothing here leaves this machine</span>
<button id="clear"${mails.length === 0 ? " disabled" : ""}>Delete all</button></header>
<div class="panes"><nav aria-label="Messages">${renderList(mails, open)}</nav>
<main>${open ? renderMail(open) : '<p class="empty">Choose a message to read it.</p>'}</main></div>
<script nonce="${nonce}">${script(mails[0]?.id ?? "")}</script></body></html>`;
}

function renderList(mails: CaughtMail[], open?: CaughtMail): string {
  if (mails.length === 0)
    return '<p class="empty">No mail yet. Whatever the app sends shows up here by itself.</p>';
  const rows = mails.map(
    (mail) => `<li><a href="/messages/${mail.id}"${mail.id === open?.id ? ' aria-current="page"' : ""}>
<span class="row"><b>${escapeHtml(mail.to.join(", "))}</b>${renderTime(mail)}</span>
<span class="subject">${escapeHtml(mail.subject)}</span></a></li>`,
  );
  return `<ul>${rows.join("")}</ul>`;
}

function renderMail(mail: CaughtMail): string {
  const links = mail.links.map(
    (link) => `<li><a href="${escapeHtml(link)}" rel="noreferrer">${escapeHtml(link)}</a></li>`,
  );
  const html = mail.html
    ? `<iframe title="Message" sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${mail.id}/html"></iframe>`
    : "";
  return `<article><a class="back" href="/">← All messages</a><h1>${escapeHtml(mail.subject)}</h1>
<dl><dt>From</dt><dd>${escapeHtml(mail.from)}</dd><dt>To</dt><dd>${escapeHtml(mail.to.join(", "))}</dd>
<dt>Received</dt><dd>${renderTime(mail)}</dd></dl>${html}
${links.length > 0 ? `<section><h2>Links</h2><ul class="links">${links.join("")}</ul></section>` : ""}
<details${mail.html ? "" : " open"}><summary>Plain text</summary><pre>${escapeHtml(mail.text)}</pre></details></article>`;
}

function renderTime(mail: CaughtMail): string {
  const label = `${mail.receivedAt.slice(0, 16).replace("T", " ")} UTC`;
  return `<time datetime="${mail.receivedAt}">${label}</time>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char);
}

function script(newestId: string): string {
  return `
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === new Date().toDateString();
  time.textContent = at.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}
document.getElementById("clear").onclick = async () => {
  await fetch("/api/messages", { method: "DELETE" });
  location.href = "/";
};
setInterval(async () => {
  const answer = await fetch("/api/messages?limit=1").then((response) => response.json()).catch(() => null);
  if (answer && (answer.messages[0]?.id ?? "") !== ${JSON.stringify(newestId)}) location.reload();
}, 2000);`;
}

const styles = `
:root { color-scheme: light dark; --back: light-dark(#f6f7f9, #14171c); --card: light-dark(#fff, #1c2027);
  --line: light-dark(#dde1e7, #2f3540); --text: light-dark(#1a1f29, #e8ebf0); --muted: light-dark(#5a6372, #a3adbb);
  --accent: light-dark(#2450c4, #9db8ff); --chosen: light-dark(#e8eefc, #263149); }
* { box-sizing: border-box; }
body { margin: 0; height: 100dvh; display: flex; flex-direction: column; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; gap: 12px; align-items: center; padding: 10px 16px; background: var(--card);
  border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; color: inherit; text-decoration: none; }
.muted, time, dt { color: var(--muted); font-size: 13px; }
button { margin-left: auto; font: inherit; color: inherit; padding: 4px 12px; background: none; cursor: pointer;
  border: 1px solid var(--line); border-radius: 8px; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.panes { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(260px, 360px) 1fr; }
nav { overflow: auto; border-right: 1px solid var(--line); background: var(--card); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: block; padding: 10px 16px; color: inherit; text-decoration: none; border-bottom: 1px solid var(--line); }
nav li a:hover, nav li a[aria-current] { background: var(--chosen); }
.row { display: flex; justify-content: space-between; gap: 12px; }
.row b, .subject { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row time { flex: none; }
.subject { display: block; color: var(--muted); }
main { overflow: auto; padding: 24px; }
article { max-width: 760px; margin: 0 auto; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 15px; margin: 20px 0 6px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 14px; margin: 0 0 16px; }
dd { margin: 0; overflow-wrap: anywhere; }
dd time { color: inherit; font-size: inherit; }
iframe { width: 100%; height: 50vh; background: #fff; border: 1px solid var(--line); border-radius: 10px; }
.links { margin: 0; padding-left: 18px; overflow-wrap: anywhere; }
main a { color: var(--accent); }
details { margin-top: 20px; }
summary { cursor: pointer; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 14px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; }
.empty { padding: 24px 16px; color: var(--muted); text-align: center; }
.back { display: none; margin-bottom: 12px; }
@media (max-width: 720px) {
  .panes { grid-template-columns: 1fr; }
  .reading nav, .listing main, header .muted { display: none; }
  .back { display: inline-block; }
  main { padding: 16px; }
}`;
