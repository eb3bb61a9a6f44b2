"use client";

/** Stands in for the root layout when that one fails, so it brings its own page and needs no styles. */
export default function GlobalError({ retry }: { error: unknown; retry: () => void }) {
  return (
    <html lang="en">
      <body style={{ fontFamily: "system-ui, sans-serif", padding: "20vh 24px", textAlign: "center" }}>
        <h1>Something went wrong on our side</h1>
        <p>Try again. If it stays, come back in a while.</p>
        <button type="button" onClick={() => retry()}>
          Try again
        </button>
      </body>
    </html>
  );
}
