import { Alert } from "@mantine/core";
import type { Metadata, Route } from "next";
import { redirect } from "next/navigation";
import { env } from "@/env";
import { returnPath } from "@/server/accounts/return-path";
import { authentication, homePath } from "@/server/auth";
import { serverApi } from "@/trpc/server";
import { SignInCard } from "./_parts/card";
import { MailForm } from "./_parts/mail-form";
import { problemOf } from "./_parts/problem";
import { ProviderButtons } from "./_parts/provider-buttons";

export const metadata: Metadata = { title: "Sign in" };

/** Whoever is signed in is led on to where they wanted to go, or to their workspace. */
export default async function SignInPage({ searchParams }: PageProps<"/sign-in">) {
  const { callbackUrl, error } = await searchParams;
  const wanted = returnPath(callbackUrl, env.APP_URL);
  const isSomewhere = wanted !== "/" && !wanted.startsWith("/sign-in");
  const { ctx, person } = await serverApi(null);
  if (person) redirect((isSomewhere ? wanted : await homePath(ctx, ctx.request.headers)) as Route);
  const problem = problemOf(Array.isArray(error) ? error[0] : error);
  const target = isSomewhere ? wanted : "/sign-in";
  return (
    <SignInCard
      title="Sign in"
      text="No password: we mail you a link. New here? The same link makes your account."
    >
      {problem && (
        <Alert color="red" title={problem.title} role="alert">
          {problem.text}
        </Alert>
      )}
      <MailForm callbackUrl={target} />
      <ProviderButtons providers={authentication().providers} callbackUrl={target} />
    </SignInCard>
  );
}
