import { later, leapJanuary } from "../rules";
import { renewsAt, type Story, subscribe, toRenewal } from "../story";

const MINUTE_MS = 60_000;

/** A month that begins on the 31st, in the year that has a 29 February, whose renewal then fails at first. */
export const leapDay: Story = {
  id: "leap-day",
  title: "29 February",
  description:
    "A month that begins on 31 January renews on 29 February, where the card is declined at first, and on 31 March again.",
  steps: [
    {
      title: "Time passes until 31 January of a leap year",
      play: ({ ctx, travelTo }) => travelTo(leapJanuary(ctx.now())),
    },
    { title: "A workspace subscribes on 31 January", play: subscribe },
    {
      title: "On 29 February the renewal is declined once",
      play: async ({ ctx, world, travelTo }) => {
        const at = await renewsAt(ctx);
        await travelTo(new Date(at.getTime() - MINUTE_MS));
        // The next charge of all: in this minute nobody else renews.
        await world.simulator.declineNext();
        await travelTo(at);
      },
    },
    {
      title: "Tried again a day later it goes through",
      play: ({ ctx, travelTo }) => travelTo(later(ctx.now(), { days: 1, hours: 1 })),
    },
    { title: "The next renewal is on 31 March: nothing has slipped", play: toRenewal },
  ],
};
