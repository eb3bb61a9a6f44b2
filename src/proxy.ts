import { type NextRequest, NextResponse } from "next/server";
import { isProduction } from "./env";

const ONE_YEAR_SECONDS = 31_536_000;

/**
 * The security headers of pages, with a new nonce for each. Nothing else: who may see what is decided where the
 * data is read, since a proxy can be walked around.
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentSecurityPolicy(nonce, isProduction());
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  // Next takes the nonce of its own scripts from here.
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  for (const [name, value] of Object.entries(securityHeaders(policy))) response.headers.set(name, value);
  return response;
}

/** All pages; no API, no files, and no prefetches, whose answers are no documents. */
export const config = {
  matcher: [
    {
      source: "/((?!api/|_next/static|_next/image|icon.svg|favicon.ico).*)",
      missing: [
        { type: "header", key: "next-router-prefetch" },
        { type: "header", key: "purpose", value: "prefetch" },
      ],
    },
  ],
};

function securityHeaders(policy: string): Record<string, string> {
  return {
    "content-security-policy": policy,
    "strict-transport-security": `max-age=${ONE_YEAR_SECONDS}`,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    // A sign-in link's token stands in its page's address.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
  };
}

/** Mantine writes style attributes; React's development build evaluates strings and keeps a socket open. */
function contentSecurityPolicy(nonce: string, production: boolean): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${production ? "" : " 'unsafe-eval'"}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self'${production ? "" : " ws: wss:"}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}
