/** An answer in Stripe's error shape. */
export class StripeApiError extends Error {
  constructor(
    readonly status: number,
    readonly fields: { message: string; type?: string; code?: string; param?: string } & Record<
      string,
      unknown
    >,
  ) {
    super(fields.message);
  }

  get body(): { error: Record<string, unknown> } {
    return { error: { type: "invalid_request_error", ...this.fields } };
  }
}

/** Stripe answers 404 for an unknown id in the path and 400 for one in a parameter. */
export function noSuch(kind: string, id: string, param = "id"): StripeApiError {
  const message = `No such ${kind}: '${id}'`;
  return new StripeApiError(param === "id" ? 404 : 400, { message, code: "resource_missing", param });
}

export function invalidRequest(message: string, param?: string, code?: string): StripeApiError {
  return new StripeApiError(400, { message, ...(param ? { param } : {}), ...(code ? { code } : {}) });
}

/** For what Stripe can do and the simulator cannot: never answered with something half right. */
export function notSimulated(what: string): StripeApiError {
  return new StripeApiError(501, {
    type: "api_error",
    code: "not_simulated",
    message: `The Stripe simulator does not implement ${what}.`,
  });
}

export function cardError(
  fields: { code: string; message: string } & Record<string, unknown>,
): StripeApiError {
  return new StripeApiError(402, { type: "card_error", ...fields });
}
