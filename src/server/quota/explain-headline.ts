import type { Explanation } from "./explanation";

export type Facts = Omit<Explanation, "sentences">;
export interface Told {
  facts: Facts;
  /** A number of the feature's units, in words. */
  units: (count: number) => string;
  /** An instant where the tenant is. */
  when: (at: Date) => string;
  now: Date;
}

/** What happened, in half a sentence: the rest is when. */
export function explainHeadline(told: Told): string {
  return HEADLINES[told.facts.operation](told);
}

const HEADLINES: Record<Facts["operation"], (told: Told) => string> = {
  consume: ({ facts, units }) =>
    `${actor(facts)} ${facts.feature.kind === "level" ? "took" : "used"} ${units(facts.units)} of ${facts.feature.name}`,
  hold: ({ facts, units }) => `${actor(facts)} set aside ${units(facts.units)} of ${facts.feature.name}`,
  commit: ({ facts, units }) =>
    `${actor(facts)} settled a hold of ${units(facts.hold?.units ?? 0)} of ${facts.feature.name}: ${were(units(facts.units), facts.units)} really used`,
  release: (told) => releaseHeadline(told),
  refund: ({ facts, units }) =>
    `${actor(facts)} took back a charge of ${units(facts.units)} of ${facts.feature.name}${because(facts.reason)}`,
  grant: ({ facts, units }) => {
    if (facts.drawn.lots.length > 0) return `${were(units(facts.units), facts.units)} added`;
    const given = facts.balance?.limit === null ? "without a limit" : `with ${units(facts.units)}`;
    const began = facts.window?.resetsAt ? "A window of" : "The limit of";
    return `${began} ${facts.feature.name} began ${given}`;
  },
  adjust: ({ facts }) => `${facts.feature.name} was adjusted${because(facts.reason)}`,
  forfeit: ({ facts, units }) =>
    `The window of ${facts.feature.name} ended and ${units(facts.units)} of it ${facts.units === 1 ? "was" : "were"} lost${kept(facts, units)}`,
  expire: ({ facts, units }) => `${units(facts.units)} of ${facts.feature.name} expired`,
  revoke: ({ facts, units }) =>
    `${were(units(facts.units), facts.units)} ${givenBack(facts) ? "given" : "taken"} back${because(facts.reason)}`,
  repay: ({ facts, units }) =>
    givenBack(facts)
      ? `${were(units(facts.units), facts.units)} given back that had paid what was owed`
      : `${units(facts.units)} paid what was owed`,
  deny: ({ facts, units }) =>
    `${actor(facts)} asked for ${units(facts.units)} of ${facts.feature.name} and was refused: ${refusal(facts.reason)}`,
  brought_forward: ({ facts }) =>
    `What archived entries of ${facts.feature.name} came to was brought forward`,
};

/** A level's place, a hold, or the part of what goes back that belongs to a window which is over. */
function releaseHeadline({ facts, units }: Told): string {
  const what = `${units(facts.units)} of ${facts.feature.name}`;
  if (facts.parentId === null) return `${actor(facts)} gave back ${what}`;
  if (facts.reason === "released") return `${actor(facts)} let a hold of ${what} go`;
  if (facts.reason === "expired") return `A hold of ${what} expired, with nobody having settled it`;
  return `${what} were of an earlier window`;
}

const REFUSALS: Record<string, string> = {
  quota: "nothing was left that covers it",
  no_credits: "the allowance and the credits did not cover it",
  not_in_plan: "it is not part of the plan",
  request_cap: "it is larger than a single call may be",
  window_cap: "it is more than one window may see, whatever pays for it",
  spend_cap: "the spending cap was reached",
  confirm: "a person had to agree to pass the limit first",
};

function refusal(reason: string | null): string {
  if (reason?.startsWith("blocked")) return `the workspace was blocked${blockedWords(reason)}`;
  return REFUSALS[reason ?? ""] ?? "it did not fit";
}

/** ` (past due)` of `blocked:past_due`. */
export const blockedWords = (reason: string) => {
  const why = reason.replace(/^blocked:?/, "").replaceAll("_", " ");
  return why ? ` (${why})` : "";
};

const ACTORS: Record<string, string> = {
  user: "A former member",
  api_key: "An API key",
  webhook: "A payment",
  cron: "The schedule",
  system: "The system",
};

function actor({ actor: { kind, name } }: Facts): string {
  if (name === null) return ACTORS[kind] ?? "Somebody";
  return kind === "api_key" ? `The API key “${name}”` : name;
}

/** What a window's end kept is booked on its entry as given to lots. */
function kept({ drawn: { lotUnits } }: Facts, units: Told["units"]): string {
  return lotUnits < 0 ? `, ${units(-lotUnits)} kept for later` : "";
}

const givenBack = ({ drawn }: Facts) => drawn.lotUnits + drawn.credits < 0;

const because = (reason: string | null) => (reason ? `: ${reason}` : "");
/** "1 unit was", "2 units were". */
export const were = (amount: string, count: number) => `${amount} ${count === 1 ? "was" : "were"}`;
