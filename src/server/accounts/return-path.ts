const MAX_CHARACTERS = 2_000;
const ELSEWHERE = "/";

/**
 * Where to go after signing in: a path of our own, whatever the request wished for; `/` when it wished for anything
 * else. What browsers read differently from us (`//host`, `/\host`, control characters) counts as elsewhere.
 */
export function returnPath(wanted: unknown, origin: string): string {
  if (typeof wanted !== "string" || wanted.length > MAX_CHARACTERS) return ELSEWHERE;
  const path = wanted.startsWith(`${origin}/`) ? wanted.slice(origin.length) : wanted;
  if (!isPath(path) || !URL.canParse(path, origin)) return ELSEWHERE;
  const url = new URL(path, origin);
  const resolved = `${url.pathname}${url.search}${url.hash}`;
  return url.origin === origin && isPath(resolved) ? resolved : ELSEWHERE;
}

function isPath(text: string): boolean {
  return text.startsWith("/") && !text.startsWith("//") && !/[\\\p{Cc}]/u.test(text);
}
