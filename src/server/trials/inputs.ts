import { z } from "zod";
import { keyInput, unitsInput } from "../quota/inputs";

/** Empty, and said so: what is sent along by mistake is refused. */
export const startTrialInput = z.strictObject({});

export const spendTrialInput = z.strictObject({
  /** Credits. */
  units: unitsInput,
  /** The same key with the same units gives the stored answer again; with other units, a conflict. */
  key: keyInput,
});
export type SpendTrialInput = z.input<typeof spendTrialInput>;
