import type Stripe from "stripe";
import type { Scene } from "./support";

async function walkSchedules({ stripe: s, price, subscribe }: Parts): Promise<void> {
  const [{ id }, smaller] = [await subscribe(), await price(900)];
  const { id: schedule, phases } = await s.subscriptionSchedules.create({ from_subscription: id });
  const [first] = phases;
  const { start_date, end_date } = first!;
  await s.subscriptionSchedules.update(schedule, {
    phases: [
      { start_date, end_date, items: [{ price: first!.items[0]!.price as string, quantity: 1 }] },
      { items: [{ price: smaller.id }], proration_behavior: "none" },
    ],
  });
  await s.subscriptionSchedules.retrieve(schedule, { expand: ["subscription"] });
  await s.subscriptionSchedules.release(schedule);
  const other = await s.subscriptionSchedules.create({ from_subscription: id });
  await s.subscriptionSchedules.cancel(other.id);
  await s.subscriptionSchedules.list();
}

async function walkDiscounts({ stripe: s, subscribe }: Parts): Promise<void> {
  const coupon = await s.coupons.create({ percent_off: 20, duration: "repeating", duration_in_months: 2 });
  await s.coupons.update(coupon.id, { name: "Spring" });
  await s.coupons.retrieve(coupon.id);
  await s.coupons.list();
  const code = await s.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id } });
  const { id } = await subscribe(2000, { discounts: [{ promotion_code: code.id }] });
  await s.subscriptions.retrieve(id, { expand: ["discounts", "latest_invoice.discounts"] });
  await s.promotionCodes.update(code.id, { active: false });
  await s.promotionCodes.retrieve(code.id);
  await s.promotionCodes.list({ active: false });
  await s.coupons.del(coupon.id);
}

async function walkSetups({ stripe: s, customer, payer }: Parts): Promise<void> {
  const { id } = await customer();
  const method = await s.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  const intent = await s.setupIntents.create({ customer: id });
  await s.setupIntents.confirm(intent.id, { payment_method: method.id });
  await s.setupIntents.retrieve(intent.id, { expand: ["payment_method"] });
  const unused = await s.setupIntents.create({ customer: id });
  await s.setupIntents.cancel(unused.id);
  await s.setupIntents.list({ customer: id });
  await payer();
}

async function walkPauses({ stripe: s, subscribe }: Parts): Promise<void> {
  const { id } = await subscribe();
  await s.subscriptions.pause(id);
  await s.subscriptions.resume(id);
}

async function walkInvoices({ stripe: s, payer }: Parts): Promise<void> {
  const { id: customer } = await payer();
  const draft = async () => {
    const { id } = await s.invoices.create({ customer, currency: "usd" });
    const item = await s.invoiceItems.create({ customer, invoice: id, amount: 500, currency: "usd" });
    return { id, item: item.id };
  };
  const dropped = await draft();
  await s.invoiceItems.del(dropped.item);
  await s.invoices.del(dropped.id);
  const { id } = await draft();
  await s.invoices.finalizeInvoice(id);
  const sent = await s.invoices.create({ customer, collection_method: "send_invoice", days_until_due: 14 });
  await s.invoiceItems.create({ customer, invoice: sent.id, amount: 100, currency: "usd" });
  await s.invoices.sendInvoice(sent.id);
  const note = await s.creditNotes.create({ invoice: id, amount: 100 });
  await s.creditNotes.update(note.id, { memo: "Less" });
  await s.creditNotes.voidCreditNote(note.id);
  await s.creditNotes.retrieve(note.id, { expand: ["invoice"] });
  await s.creditNotes.list({ invoice: id });
  await s.invoices.markUncollectible(id);
  await s.invoices.pay(id);
  await s.creditNotes.preview({ invoice: id, amount: 200, refund_amount: 200 });
  await s.creditNotes.create({ invoice: id, amount: 200, refund_amount: 200 });
}

interface Parts {
  stripe: Stripe;
  price: Scene["price"];
  customer: Scene["customer"];
  payer: Scene["payer"];
  subscribe: Scene["subscribe"];
}

/** Calls every endpoint of schedules, discounts, stored cards, pauses, invoices and credit notes. */
export async function walkBilling(scene: Scene): Promise<void> {
  const parts: Parts = {
    stripe: scene.stripe,
    price: (...args) => scene.price(...args),
    customer: () => scene.customer(),
    payer: (...args) => scene.payer(...args),
    subscribe: (...args) => scene.subscribe(...args),
  };
  await walkSchedules(parts);
  await walkDiscounts(parts);
  await walkSetups(parts);
  await walkPauses(parts);
  await walkInvoices(parts);
}
