/** What a page route answers. */
export type PageAnswer =
  | { status: number; html: string }
  | { status: 200; pdf: Buffer }
  | { status: 303; location: string };

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Makes text safe inside HTML and attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** A template whose values are escaped, unless they are themselves made by {@link html}. */
export class Html {
  constructor(readonly text: string) {}
}

type HtmlValue = string | number | Html | Html[] | null | false;

function render(value: HtmlValue): string {
  if (value === null || value === false) return "";
  if (Array.isArray(value)) return value.map((each) => each.text).join("");
  return value instanceof Html ? value.text : escapeHtml(String(value));
}

export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(
    strings.map((part, index) => part + (index < values.length ? render(values[index]!) : "")).join(""),
  );
}

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d9dde3, #3a3f47); --soft: light-dark(#f6f7f9, #16181c);
  --card: light-dark(#fff, #1f2228); --text: light-dark(#1a1f26, #eceff3); --dim: light-dark(#5a6472, #a3adba);
  --main: light-dark(#4b45c6, #8d88ff); --on-main: light-dark(#fff, #14132b); --bad: light-dark(#a8201a, #ff9d96); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--soft); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
.banner { padding: .5rem 1rem; text-align: center; background: light-dark(#fff4ce, #3d3415); font-size: .875rem; }
main { max-width: 30rem; margin: 2rem auto; padding: 0 1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; margin: 0 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1rem; margin: 0 0 .75rem; }
p { margin: 0 0 .75rem; } table + p { margin-top: .75rem; } .dim { color: var(--dim); font-size: .9rem; } .total { font-size: 1.6rem; font-weight: 650; }
table { width: 100%; border-collapse: collapse; } th { text-align: left; font-weight: 500; } td { text-align: right; }
th, td { padding: .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
label { display: block; margin: 0 0 .9rem; font-size: .9rem; color: var(--dim); }
input, select { display: block; width: 100%; margin-top: .25rem; padding: .6rem .7rem; font: inherit; color: var(--text);
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
button, .button { display: inline-block; width: 100%; padding: .7rem 1rem; margin: 0 0 .6rem; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; border: 1px solid var(--line); border-radius: 8px; background: var(--card);
  color: var(--text); cursor: pointer; }
button.main { background: var(--main); color: var(--on-main); border-color: transparent; }
a { color: var(--main); } :focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
[role=alert] { color: var(--bad); border: 1px solid currentColor; border-radius: 8px; padding: .6rem .8rem; }
[role=status] { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
`;

/** A whole page under the banner that says what it is. */
export function page(
  title: string,
  product: "Checkout" | "Portal" | "Invoice",
  body: Html,
  status = 200,
): PageAnswer {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header class="banner">Simulated Stripe ${product} – no money moves</header>
<main>${body}</main>
</body>
</html>`;
  return { status, html: document.text };
}

export function alertOf(message: string | null): Html {
  return message === null ? html`` : html`<p role="alert">${message}</p>`;
}

/** The choice of a test card. */
export function cardSelect(): Html {
  return html`<label>Card
<select name="card">
<option value="success">4242 4242 4242 4242 – succeeds</option>
<option value="declined">4000 0000 0000 0002 – declined</option>
<option value="declined_later">4000 0000 0000 0341 – can be stored, declined when charged</option>
<option value="three_d_secure">4000 0025 0000 3155 – asks for 3-D Secure</option>
</select></label>`;
}

/** The step between choosing a card that asks for 3-D Secure and its outcome. */
export function authenticationPage(product: "Checkout" | "Portal" | "Invoice", action: string): PageAnswer {
  return page(
    "3-D Secure",
    product,
    html`<section><h1>3-D Secure</h1>
<p>Your bank wants to know that it is you.</p>
<form method="post" action="${action}">
<button class="main" name="outcome" value="complete">Complete authentication</button>
<button name="outcome" value="fail">Fail authentication</button>
</form></section>`,
  );
}

export function notFound(product: "Checkout" | "Portal" | "Invoice"): PageAnswer {
  return page(
    "Not found",
    product,
    html`<section><h1>Not found</h1><p>There is nothing at this address.</p></section>`,
    404,
  );
}
