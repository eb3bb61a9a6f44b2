"use client";

import { Button } from "@mantine/core";
import { useRouter } from "next/navigation";
import { useTransition } from "react";

export function CheckAgain() {
  const router = useRouter();
  const [checking, startChecking] = useTransition();
  return (
    <Button loading={checking} onClick={() => startChecking(() => router.refresh())}>
      Check again
    </Button>
  );
}
