import { site } from "@/config/site";
import type { Runtime } from "../context";
import { factTypes } from "../events/facts";
import { escapeHtml, letterMail, type MailBody } from "./letter-mail";
import { exampleOf, letters } from "./letters";
import { isAlways } from "./rules";

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  "cache-control": "no-store",
};

/** Every letter there is, as mail and as text, with a made-up fact: for builders. The route answers 404 in production. */
export function previewLetters({ prices, appUrl, now }: Runtime): Response {
  const about = {
    workspace: { name: "Ada's workspace", slug: "ada", timeZone: "Europe/Paris" },
    prices,
    appUrl,
    at: now(),
  };
  const shown = factTypes.map((type) => {
    const { topic } = letters[type];
    const foot = {
      appName: site.name,
      workspace: about.workspace.name,
      settingsUrl: `${appUrl}/ada/settings`,
      unsubscribeUrl: isAlways(topic) ? null : `${appUrl}/api/notifications/unsubscribe`,
    };
    return sectionOf(`${type} · ${topic}`, letterMail(exampleOf(type, about), foot));
  });
  return new Response(pageOf(shown), { headers: HEADERS });
}

const pageOf = (sections: string[]) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Letters</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem; }
  section { margin: 0 0 3rem; }
  h2 { font-size: 1rem; }
  .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; align-items: start; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; background: #f1f3f3; border-radius: .5rem; margin: 0; }
</style></head>
<body>${sections.join("\n")}</body>
</html>
`;

/** The mail's body stands in the page itself, by its own inline styles. */
function sectionOf(name: string, { subject, text, html }: MailBody): string {
  const body = /<body style="([^"]*)">([\s\S]*)<\/body>/.exec(html);
  return `<section><h2>${escapeHtml(name)}</h2><p>Subject: ${escapeHtml(subject)}</p>
<div class="pair"><div style="${body?.[1] ?? ""}">${body?.[2] ?? ""}</div><pre>${escapeHtml(text)}</pre></div></section>`;
}
