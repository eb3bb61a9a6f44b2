const PROBLEMS: Record<string, { title: string; text: string }> = {
  Verification: {
    title: "This link no longer works",
    text: "Links work once, and for a short time. Ask for a new one below.",
  },
  AccessDenied: {
    title: "You were not signed in",
    text: "The provider did not confirm this e-mail address. Try the link by mail.",
  },
  OAuthAccountNotLinked: {
    title: "This address signs in another way",
    text: "An account with this e-mail address exists. Sign in the way you did before, or by mail.",
  },
};

const ANY = { title: "Signing in did not work", text: "Please try again." };

/** Words for the error code that a failed sign-in leaves in the address; null without one. */
export function problemOf(code: string | undefined): { title: string; text: string } | null {
  if (!code) return null;
  return PROBLEMS[code] ?? ANY;
}
