/** What a feature that draws on a shared meter cost, in that meter's units, by kind of cost. */
export interface Breakdown {
  feature: string;
  base: number;
  costs: Record<string, number>;
  /** The costs as the caller gave them, which is what makes two requests the same. */
  asked: Record<string, number>;
}
