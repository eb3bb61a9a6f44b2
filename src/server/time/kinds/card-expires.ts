import { consume } from "../../quota/consume";
import { later } from "../rules";
import { cardOf, payWithNewCard, type Story, type StoryScene, subscribe, toRenewal } from "../story";

/** A card that is good for three months, and what becomes of the plan that it paid for. */
export const cardExpires: Story = {
  id: "card-expires",
  title: "A card expires in month 3",
  description:
    "Two renewals go through, the third does not. Mails, retries, the grace, a new card, and all is well.",
  steps: [
    { title: "A workspace subscribes, with a card that is about to expire", play: subscribe },
    {
      title: "The first renewal goes through",
      play: async (scene) => {
        await useSomething(scene);
        await toRenewal(scene);
      },
    },
    {
      title: "The second renewal goes through; the card expires in the middle of the month",
      play: async (scene) => {
        await toRenewal(scene);
        const { ctx, world } = scene;
        await world.simulator.expireCard(await cardOf(ctx), later(ctx.now(), { days: 14 }));
      },
    },
    {
      title: "The third renewal is declined: everything works on, and a mail asks for a card",
      play: toRenewal,
    },
    {
      title: "Eight days go by: the card is tried again in vain, and the grace ends",
      play: ({ ctx, travelTo }) => travelTo(later(ctx.now(), { days: 8 })),
    },
    { title: "A new card pays what is open, and everything is as before", play: payWithNewCard },
    { title: "The fourth renewal goes through with the new card", play: toRenewal },
  ],
};

/** So that a reset has something to reset. */
async function useSomething({ ctx }: StoryScene): Promise<void> {
  const meter = Object.entries(ctx.prices.features).find(([, { kind }]) => kind === "meter");
  if (meter) await consume(ctx, { feature: meter[0], units: 40 });
}
