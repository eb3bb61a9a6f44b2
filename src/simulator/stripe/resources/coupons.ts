import type Stripe from "stripe";
import { isCouponValid } from "../billing/coupons";
import { mergeMetadata } from "../changes";
import { invalidRequest, noSuch } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const CREATE =
  "id name percent_off amount_off currency duration duration_in_months max_redemptions redeem_by metadata applies_to.products";

function assertReduction(params: Stripe.CouponCreateParams): void {
  const { percent_off: percent, amount_off: amount } = params;
  if ((percent === undefined) === (amount === undefined)) {
    throw invalidRequest("You must pass either percent_off or amount_off, not both.", "percent_off");
  }
  if (percent !== undefined && !(percent > 0 && percent <= 100)) {
    throw invalidRequest("percent_off must be greater than 0 and at most 100.", "percent_off");
  }
  if (amount !== undefined && (!Number.isInteger(amount) || amount <= 0 || !params.currency)) {
    throw invalidRequest("amount_off must be a positive integer, and needs a currency.", "amount_off");
  }
  const isRepeating = params.duration === "repeating";
  if (isRepeating !== (params.duration_in_months !== undefined)) {
    throw invalidRequest("duration_in_months goes with the duration `repeating`.", "duration_in_months");
  }
}

function create(params: Stripe.CouponCreateParams, world: World): Stripe.Coupon {
  assertReduction(params);
  if (params.id && world.store.find("coupon", params.id)) {
    throw invalidRequest("Coupon already exists.", "id", "resource_already_exists");
  }
  const coupon = world.create("coupon", {
    ...(params.id ? { id: params.id } : {}),
    amount_off: params.amount_off ?? null,
    currency: params.amount_off === undefined ? null : params.currency!.toLowerCase(),
    duration: params.duration ?? "once",
    duration_in_months: params.duration_in_months ?? null,
    max_redemptions: params.max_redemptions ?? null,
    metadata: mergeMetadata({}, params.metadata),
    name: params.name ?? null,
    percent_off: params.percent_off ?? null,
    redeem_by: params.redeem_by ?? null,
  });
  coupon.valid = isCouponValid(world, coupon);
  const products = params.applies_to?.products;
  if (products) {
    for (const product of products) world.get("product", product, "applies_to[products][0]");
    world.store.hidden("coupon", coupon.id).products = products;
  }
  world.emit("coupon.created", coupon);
  return coupon;
}

function shown(world: World, id: string): Stripe.Coupon {
  const coupon = world.get("coupon", id);
  coupon.valid = isCouponValid(world, coupon);
  return coupon;
}

function remove(world: World, id: string): Stripe.DeletedCoupon {
  const coupon = world.get("coupon", id);
  // Those who have redeemed it keep their discount, so it is only closed.
  coupon.max_redemptions = coupon.times_redeemed;
  coupon.valid = false;
  world.emit("coupon.deleted", coupon);
  return { id, object: "coupon", deleted: true };
}

function newCode(world: World, code: string | undefined): string {
  if (!code) return world.ids.token("promotion_code", 8).toUpperCase();
  const isTaken = (each: Stripe.PromotionCode) =>
    each.active && each.code.toLowerCase() === code.toLowerCase();
  if (world.store.all("promotion_code").some(isTaken)) {
    throw invalidRequest("An active promotion code with that code already exists.", "code");
  }
  return code;
}

function createCode(params: Stripe.PromotionCodeCreateParams, world: World): Stripe.PromotionCode {
  const coupon = world.get("coupon", params.promotion.coupon ?? "", "promotion[coupon]");
  if (params.customer) world.get("customer", params.customer, "customer");
  const { first_time_transaction, minimum_amount, minimum_amount_currency } = params.restrictions ?? {};
  const code = world.create("promotion_code", {
    active: params.active ?? true,
    code: newCode(world, params.code),
    customer: params.customer ?? null,
    expires_at: params.expires_at ?? null,
    max_redemptions: params.max_redemptions ?? null,
    metadata: mergeMetadata({}, params.metadata),
    promotion: { type: "coupon", coupon: coupon.id },
    restrictions: {
      first_time_transaction: first_time_transaction ?? false,
      minimum_amount: minimum_amount ?? null,
      minimum_amount_currency: minimum_amount_currency ?? null,
    },
  });
  world.emit("promotion_code.created", code);
  return code;
}

function matches(params: Stripe.PromotionCodeListParams): (code: Stripe.PromotionCode) => boolean {
  return ({ active, code, customer, promotion }) =>
    (params.active === undefined || active === params.active) &&
    (!params.code || code.toLowerCase() === params.code.toLowerCase()) &&
    (!params.customer || customer === params.customer) &&
    (!params.coupon || promotion.coupon === params.coupon);
}

/** The same for a code that is only known by its id. */
function codeOf(world: World, id: string): Stripe.PromotionCode {
  const code = world.store.find("promotion_code", id);
  if (!code) throw noSuch("promotion code", id);
  return code;
}

export const couponRoutes = [
  route<Stripe.CouponCreateParams>("POST", "/coupons", CREATE, (params, { world }) => create(params, world)),
  route("GET", "/coupons/{}", "", (_, { world, ids }) => shown(world, ids[0]!)),
  route<Stripe.CouponUpdateParams>("POST", "/coupons/{}", "metadata name", (params, { world, ids }) =>
    world.change(shown(world, ids[0]!), "coupon.updated", (coupon) => {
      coupon.metadata = mergeMetadata(coupon.metadata ?? {}, params.metadata);
      if (params.name !== undefined) coupon.name = params.name || null;
    }),
  ),
  route("DELETE", "/coupons/{}", "", (_, { world, ids }) => remove(world, ids[0]!)),
  route<Stripe.CouponListParams>(
    "GET",
    "/coupons",
    "created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("coupon"), params),
  ),
];

export const promotionCodeRoutes = [
  route<Stripe.PromotionCodeCreateParams>(
    "POST",
    "/promotion_codes",
    "promotion.type promotion.coupon code active customer expires_at max_redemptions metadata " +
      "restrictions.first_time_transaction restrictions.minimum_amount restrictions.minimum_amount_currency",
    (params, { world }) => createCode(params, world),
  ),
  route("GET", "/promotion_codes/{}", "", (_, { world, ids }) => codeOf(world, ids[0]!)),
  route<Stripe.PromotionCodeUpdateParams>(
    "POST",
    "/promotion_codes/{}",
    "active metadata",
    (params, { world, ids }) =>
      world.change(codeOf(world, ids[0]!), "promotion_code.updated", (code) => {
        if (params.active !== undefined) code.active = params.active;
        code.metadata = mergeMetadata(code.metadata ?? {}, params.metadata);
      }),
  ),
  route<Stripe.PromotionCodeListParams>(
    "GET",
    "/promotion_codes",
    "active code customer coupon created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("promotion_code"), params, matches(params)),
  ),
];
