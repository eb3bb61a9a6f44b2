const GITHUB_EMAILS_URL = "https://api.github.com/user/emails";
const TIMEOUT_MS = 5_000;

interface Claim {
  provider: string;
  email: unknown;
  /** What the provider itself says about the address, if it says anything. */
  verified: unknown;
  accessToken: string | undefined;
}

/**
 * Whether the provider has checked that the e-mail is the person's. Otherwise somebody could open an account with
 * another's address, and wait in it until its owner signs in by mail.
 */
export async function isVerifiedEmail(claim: Claim, fetchFn: typeof fetch = fetch): Promise<boolean> {
  if (typeof claim.email !== "string") return false;
  if (claim.provider === "google") return claim.verified === true;
  if (claim.provider !== "github" || !claim.accessToken) return false;
  const answer = await fetchFn(GITHUB_EMAILS_URL, {
    headers: { authorization: `Bearer ${claim.accessToken}`, "user-agent": "tollgate" },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) return false;
  const emails: unknown = await answer.json();
  return Array.isArray(emails) && emails.some((one) => one?.verified === true && one.email === claim.email);
}
