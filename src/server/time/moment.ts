/** What a moment is of; in this order where several have one instant: what caused the others comes first. */
export const MOMENT_KINDS = ["story", "renewal", "webhook", "change", "reset", "entry", "mail"] as const;
export type MomentKind = (typeof MOMENT_KINDS)[number];

/** One thing that happened. */
export interface Moment {
  id: string;
  at: Date;
  kind: MomentKind;
  title: string;
  detail: string | null;
  workspace: { slug: string; name: string } | null;
  /** A page of the app as a path, or another one's address, where more of it is seen. */
  href: string | null;
}

/** The latest first; of one instant, what was caused before what caused it. */
export function latestMoments(moments: readonly Moment[], limit: number): Moment[] {
  const rank = ({ kind }: Moment) => MOMENT_KINDS.indexOf(kind);
  return moments
    .toSorted((a, b) => b.at.getTime() - a.at.getTime() || rank(b) - rank(a) || (a.id < b.id ? 1 : -1))
    .slice(0, limit);
}
