import { formatCount, formatDateTime, formatUnits } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Limit } from "@/lib/price-list";
import { blockedWords, explainHeadline, type Facts, type Told, were } from "./explain-headline";
import type { DrawnLot, OverBecause } from "./explanation";

/** An explanation for people, one fact a sentence: what happened, what decided it, where the units came from. */
export function explainSentences(facts: Facts, timeZone: string, now: Date): string[] {
  const told: Told = {
    facts,
    now,
    units: (count) => formatUnits(count, facts.feature.unit),
    when: (at) => formatDateTime(at, timeZone),
  };
  return [
    `${explainHeadline(told)}, on ${told.when(facts.createdAt)}.`,
    ...breakdown(told),
    ...plan(told),
    ...override(told),
    ...window(told),
    ...drawn(told),
    ...pastTheLimit(told),
    ...balance(told),
    ...chain(told),
    ...facts.waysOut.map((way) => `What would help: ${lowerFirst(way.message)}`),
  ];
}

function breakdown({ facts, units }: Told): string[] {
  if (!facts.breakdown) return [];
  const { base, costs, feature } = facts.breakdown;
  const parts = [
    ...(base > 0 ? [`${formatCount(base)} to begin with`] : []),
    ...Object.entries(costs).map(([cost, count]) => `${formatCount(count)} for ${cost.replaceAll("_", " ")}`),
  ];
  const made = parts.length > 0 ? `: ${listed(parts)}` : "";
  return [`It was “${feature.replaceAll("_", " ")}” that cost ${units(facts.units)}${made}.`];
}

function plan({ facts, units }: Told): string[] {
  if (!facts.plan) return [];
  const { name, version, rule } = facts.plan;
  const each = rule?.kind === "meter" ? ` a ${rule.window.replace("_", " ")}` : "";
  const said = limitOfPlan(facts.plan.limit, units);
  return [`The plan was ${name} (${version}): ${said}${said === NOTHING ? "" : each}.`];
}

const NOTHING = "nothing of it";

function limitOfPlan(given: Limit | null, units: Told["units"]): string {
  if (given === null || given === false || given === 0) return NOTHING;
  if (given === "unlimited") return "no limit";
  return given === true ? "included" : units(given);
}

function override({ facts, units, when }: Told): string[] {
  const held = facts.override;
  if (!held) return [];
  const until = held.expiresAt ? `until ${when(held.expiresAt)}` : "until further notice";
  return [`Instead of the plan's limit, ${limit(held.limit, units)} was agreed on ${until}: ${held.reason}.`];
}

function window({ facts, when, now }: Told): string[] {
  if (!facts.window?.resetsAt) return [];
  const { startsAt, resetsAt } = facts.window;
  return [
    `The window began on ${when(startsAt)} and ${resetsAt > now ? "resets" : "was reset"} on ${when(resetsAt)}.`,
  ];
}

function drawn(told: Told): string[] {
  const { lots, credits } = told.facts.drawn;
  return [
    ...allowance(told),
    ...lots.map((lot) => lotSentence(told, lot)),
    ...(credits > 0
      ? [`Credits paid for what was past the allowance: ${formatCount(credits)}${rate(told)}.`]
      : []),
  ];
}

function allowance({ facts, units }: Told): string[] {
  const drew = facts.drawn.allowance;
  if (drew === 0) return [];
  const more = drew > 0 ? "more" : "fewer";
  if (facts.operation === "adjust")
    return [`${units(Math.abs(drew))} ${more} ${Math.abs(drew) === 1 ? "counts" : "count"} as used.`];
  if (drew > 0) return [`${units(drew)} came from the allowance.`];
  const over = facts.window?.resetsAt && facts.window.resetsAt <= facts.createdAt;
  return [
    over
      ? `${units(-drew)} of the allowance lapsed: the window that they were of was over.`
      : `${units(-drew)} went back to the allowance.`,
  ];
}

const LOT_KINDS: Record<string, string> = {
  rollover: "what was kept from an earlier window",
  replenish: "a refill",
  trial: "a trial",
  promo: "a gift",
  compensation: "a compensation",
  adjustment: "a correction",
  purchase: "a purchase",
};

function lotSentence({ facts, units, when, now }: Told, lot: DrawnLot): string {
  const size = Math.abs(lot.units);
  const amount = lot.unit === "credits" ? formatUnits(size, "credit") : units(size);
  const kind = `${LOT_KINDS[lot.kind] ?? lot.kind} (${lot.source})`;
  const expiry = lot.expiresAt
    ? `, which ${lot.expiresAt > now ? "expires" : "expired"} on ${when(lot.expiresAt)}`
    : ", which never expires";
  if (facts.operation === "grant") return `They are from ${kind}${expiry}.`;
  if (lot.units > 0) return `${amount} came from ${kind}${expiry}.`;
  const late = lot.expiresAt !== null && lot.expiresAt <= facts.createdAt;
  return `${amount} went back to ${kind}${expiry}${late ? ", and stays expired" : ""}.`;
}

function rate({ facts }: Told): string {
  const rule = facts.plan?.rule;
  if (rule?.kind !== "meter" || rule.overflow.to !== "credits") return "";
  const { credits, perUnits } = rule.overflow;
  return `, at ${formatUnits(credits, "credit")} for ${formatUnits(perUnits, facts.feature.unit)}, rounded up`;
}

const OVER: Record<OverBecause, (facts: Facts) => string> = {
  overage: (facts) => `billed as overage${overagePrice(facts)}`,
  warn: () => "this limit warns and does not stop",
  confirmed: () => "a person agreed to it",
  settled: () => "its hold said that the real cost may do so",
};

function pastTheLimit(told: Told): string[] {
  const { facts, units } = told;
  const { over, uncharged } = facts.drawn;
  const blocked = facts.reason?.startsWith("blocked")
    ? `the workspace was blocked${blockedWords(facts.reason)}`
    : null;
  return [
    ...(over > 0 && facts.overBecause
      ? [`${units(over)} went past the limit: ${OVER[facts.overBecause](facts)}.`]
      : []),
    ...(over < 0
      ? [`${units(-over)} past the limit ${-over === 1 ? "does" : "do"} not count any more.`]
      : []),
    ...(uncharged > 0
      ? [
          `${were(units(uncharged), uncharged)} used but not charged: ${blocked ?? "they were not covered, and the hold allows no more"}.`,
        ]
      : []),
  ];
}

function overagePrice({ plan: sold, feature, currency }: Facts): string {
  if (sold?.rule?.kind !== "meter" || sold.rule.overflow.to !== "overage") return "";
  const { minorUnits, perUnits } = sold.rule.overflow;
  return `, at ${formatMoney({ amountMinor: BigInt(minorUnits), currency })} for ${formatUnits(perUnits, feature.unit)}`;
}

function balance({ facts, units }: Told): string[] {
  if (!facts.balance) return [];
  const { used, limit: most } = facts.balance;
  const of = most === null ? "without a limit" : `of ${units(most)}`;
  const verb = facts.feature.kind === "level" ? "held" : "used";
  return [
    `After it, ${formatCount(used)} ${of} ${used === 1 ? "was" : "were"} ${verb}.`,
    ...(facts.crossed === null ? [] : [`It was the one that reached ${facts.crossed} % of the limit.`]),
  ];
}

const LINKS: Record<string, string> = {
  hold: "set aside",
  commit: "settled",
  release: "let go",
  refund: "taken back",
  consume: "charged",
};

function chain({ facts, units, when }: Told): string[] {
  const open = facts.hold?.status === "open" ? [`The hold is open until ${when(facts.hold.expiresAt)}.`] : [];
  const others = facts.chain
    .filter(({ entryId }) => entryId !== facts.entryId)
    .map((link) => {
      const place = link.createdAt <= facts.createdAt && link.entryId < facts.entryId ? "Before it" : "Later";
      return `${place}, ${were(units(link.units), link.units)} ${LINKS[link.operation] ?? link.operation}, on ${when(link.createdAt)} (${link.entryId}).`;
    });
  return [...open, ...others];
}

const limit = (most: number | null, units: Told["units"]) => (most === null ? "no limit" : units(most));
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

function listed(parts: string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
