"use client";

import { Alert, Button, Stack, TextInput } from "@mantine/core";
import { useActionState } from "react";
import { askForLink, type SignInState } from "./actions";

const START: SignInState = { email: "", message: null, advice: null };

export function MailForm({ callbackUrl }: { callbackUrl: string }) {
  const [state, action, pending] = useActionState(askForLink, START);
  return (
    <form action={action}>
      <Stack gap="md">
        <input type="hidden" name="callbackUrl" value={callbackUrl} />
        <TextInput
          name="email"
          type="email"
          label="E-mail"
          placeholder="ada@example.com"
          autoComplete="email"
          defaultValue={state.email}
          required
          withAsterisk={false}
          size="md"
        />
        {state.message && (
          <Alert color="red" title={state.message} role="alert">
            {state.advice}
          </Alert>
        )}
        <Button type="submit" size="md" loading={pending} fullWidth>
          Send me a link
        </Button>
      </Stack>
    </form>
  );
}
