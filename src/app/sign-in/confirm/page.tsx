import { Button, Text } from "@mantine/core";
import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { SignInCard } from "../_parts/card";

export const metadata: Metadata = { title: "Confirm", robots: { index: false } };

/**
 * Where the mailed link leads. The button posts, so that whatever opens every link of a mail to look for malware
 * does not use the link up.
 */
export default async function ConfirmPage({ searchParams }: PageProps<"/sign-in/confirm">) {
  const { token, email, callbackUrl } = await searchParams;
  if (typeof token !== "string" || typeof email !== "string") redirect("/sign-in?error=Verification");
  return (
    <SignInCard title="One more step" text="Confirm that it is you, and you are in.">
      <form method="post" action="/api/auth/callback/nodemailer">
        <input type="hidden" name="token" value={token} />
        <input type="hidden" name="email" value={email} />
        <input type="hidden" name="callbackUrl" value={typeof callbackUrl === "string" ? callbackUrl : "/"} />
        <Button type="submit" size="md" fullWidth>
          Sign in as {email}
        </Button>
      </form>
      <Text size="sm" c="dimmed">
        Didn't ask for this? Close the page: nothing happens without the button.
      </Text>
    </SignInCard>
  );
}
