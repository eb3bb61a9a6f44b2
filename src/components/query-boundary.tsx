"use client";

import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { catchError, type ErrorInfo } from "next/error";
import { type ReactNode, Suspense } from "react";
import { FailureAlert } from "./failure-alert";

function Failed({ error, reset }: { error: unknown; reset: () => void }) {
  const queries = useQueryErrorResetBoundary();
  const retry = () => {
    queries.reset();
    reset();
  };
  return <FailureAlert error={error} retry={retry} />;
}

const Catch = catchError((_props: object, { error, reset }: ErrorInfo) => (
  <Failed error={error} reset={reset} />
));

/** Around everything that reads a query: `loading` until it is there, the error and a way on when it fails. */
export function QueryBoundary({ loading, children }: { loading: ReactNode; children: ReactNode }) {
  return (
    <Catch>
      <Suspense fallback={loading}>{children}</Suspense>
    </Catch>
  );
}
