/**
 * Of every random test: the same at each run of the gate, so that nothing fails by luck. `npm run proof` sets another
 * one each time, and prints it.
 */
export const seed = Number(process.env.PROOF_SEED ?? 20_261_121);
