"use server";

import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { authentication } from "@/server/auth";
import { AppError } from "@/server/errors";

export interface SignInState {
  email: string;
  message: string | null;
  advice: string | null;
}

/** Mails a link and goes on to "check your mail"; what the sender did wrong comes back as text. */
export async function askForLink(_before: SignInState, form: FormData): Promise<SignInState> {
  const email = textOf(form, "email");
  try {
    await authentication().sendLink({
      email,
      callbackUrl: textOf(form, "callbackUrl"),
      headers: await headers(),
    });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { email, message: error.message, advice: error.advice };
  }
  redirect("/sign-in/check-mail");
}

/** Goes to the provider's page. */
export async function goToProvider(form: FormData): Promise<void> {
  const provider = textOf(form, "provider");
  if (provider !== "github" && provider !== "google") redirect("/sign-in");
  await authentication().signInWith(provider, textOf(form, "callbackUrl"));
}

function textOf(form: FormData, field: string): string {
  const value = form.get(field);
  return typeof value === "string" ? value : "";
}
