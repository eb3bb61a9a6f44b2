import { escapeHtml } from "./letter-mail";
import type { Topic } from "./rules";

const TOPIC_WORDS: Record<Topic, string> = {
  payments: "payments that need you",
  plan: "the plan",
  receipts: "receipts and refunds",
  usage: "usage and limits",
  credits: "the credit balance",
};

type PageFacts = { status: 404 } | { status: 200; workspace: string; topic: Topic; action?: string };

/** A page of its own: whoever opens it is not signed in, and came from a mail. `action`: not done yet. */
export function unsubscribePage(facts: PageFacts): Response {
  const [title, body] = wordsOf(facts);
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1.5rem; }
  h1 { font-size: 1.4rem; line-height: 1.3; }
  button { font: inherit; font-weight: 600; padding: .6rem 1.4rem; border: 0; border-radius: .5rem; background: #0b7a54; color: #fff; cursor: pointer; }
</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>
`;
  return new Response(html, {
    status: facts.status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex",
    },
  });
}

function wordsOf(facts: PageFacts): [title: string, body: string] {
  if (facts.status === 404)
    return ["This link is not valid", "<p>Open your workspace's settings to change what we mail you.</p>"];
  const what = `mails about ${TOPIC_WORDS[facts.topic]} in ${escapeHtml(facts.workspace)}`;
  if (facts.action === undefined)
    return ["Done", `<p>You get no more ${what}. The settings of the workspace switch them on again.</p>`];
  return [
    "Get fewer mails?",
    `<p>This ends ${what}.</p><form method="post" action="${escapeHtml(facts.action)}"><button>End these mails</button></form>`,
  ];
}
