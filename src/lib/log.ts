/** What must never stand in a log, whoever put it into an error's message. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(tgk_[0-9a-z]{26}_)[\w-]+/g, "$1…"],
  [/\b((?:sk|rk)_(?:test|live)_|whsec_)\w+/g, "$1…"],
  [/(\w+:\/\/[^\s:/@]*:)[^\s@/]+@/g, "$1…@"],
  [/\b(Bearer\s+)\S+/gi, "$1…"],
  [/\b((?:token|email|code|secret|password|csrfToken)=)[^\s&"']+/gi, "$1…"],
  [/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "…@…"],
];
const MAX_CHARACTERS = 2_000;

/** The text without keys, tokens, passwords and e-mail addresses, and never endless. */
export function redact(text: string): string {
  return SECRETS.reduce(
    (clean, [secret, instead]) => clean.replace(secret, instead),
    text.slice(0, MAX_CHARACTERS),
  );
}

/** Writes an error nobody expected, as one line of JSON on stderr: where, what, and the causes below it. */
export function logError(where: string, error: unknown): void {
  console.error(JSON.stringify({ level: "error", where, ...described(error), causes: causesOf(error) }));
}

function causesOf(error: unknown): object[] {
  const causes: object[] = [];
  let current = causeOf(error);
  while (current !== undefined && causes.length < 5) {
    causes.push(described(current));
    current = causeOf(current);
  }
  return causes;
}

/** next-auth wraps its cause once more, in an object with `err`. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const { cause } = error;
  return cause instanceof Error ? cause : (cause as { err?: unknown } | undefined)?.err;
}

function described(error: unknown): { name: string; message: string; code?: string; at?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: redact(String(error)) };
  const { code } = error as { code?: unknown };
  // Drizzle appends the values it sent.
  const message = redact(error.message.replace(/\nparams:[\s\S]*/, ""));
  const at = error.stack?.split("\n").find((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    message,
    ...(typeof code === "string" ? { code } : {}),
    ...(at ? { at: at.trim() } : {}),
  };
}
