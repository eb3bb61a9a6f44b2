export type JsonSchema = Record<string, unknown>;

export interface EndpointSchema {
  method: string;
  /** Stripe's path with `{}` for each id. */
  path: string;
  request: JsonSchema;
  response: JsonSchema;
}

/** JSON Schemas of one installed version of the `stripe` package. */
export interface SchemaBundle {
  stripeVersion: string;
  apiVersion: string;
  endpoints: EndpointSchema[];
  /** Endpoints the SDK knows and this bundle does not describe: `"GET /v1/tax/rates"`. */
  otherEndpoints: string[];
  events: Record<string, JsonSchema>;
  $defs: Record<string, JsonSchema>;
}

/** Every internal reference starts with this; the validator registers the definitions under it. */
export const DEFS_URI = "stripe#/$defs/";
