import { cardExpires } from "./kinds/card-expires";
import { leapDay } from "./kinds/leap-day";
import type { Story } from "./story";

/** What can be played, in the order of the panel. A new one is a file in kinds/ and a line here. */
export const stories: readonly Story[] = [cardExpires, leapDay];
