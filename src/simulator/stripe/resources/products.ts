import type Stripe from "stripe";
import { createPrice, createProduct } from "../billing/catalog";
import { mergeMetadata, sentFields } from "../changes";
import { invalidRequest } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const WRITABLE =
  "name active description metadata images marketing_features statement_descriptor tax_code unit_label url shippable";

const PLAIN_FIELDS = [
  "name",
  "active",
  "description",
  "images",
  "marketing_features",
  "statement_descriptor",
  "tax_code",
  "unit_label",
  "url",
  "shippable",
] as const;

function create(params: Stripe.ProductCreateParams, world: World): Stripe.Product {
  if (params.id && world.store.find("product", params.id)) {
    throw invalidRequest(`Product already exists: ${params.id}`, "id", "resource_already_exists");
  }
  const product = createProduct(world, {
    ...(params.id ? { id: params.id } : {}),
    ...sentFields(params, ...PLAIN_FIELDS),
    metadata: mergeMetadata({}, params.metadata),
  });
  if (params.default_price_data) {
    const price = createPrice(world, { ...params.default_price_data, product: product.id });
    product.default_price = price.id;
  }
  return product;
}

function update(params: Stripe.ProductUpdateParams, world: World, id: string): Stripe.Product {
  if (params.default_price) world.get("price", params.default_price, "default_price");
  return world.change(world.get("product", id), "product.updated", (product) => {
    Object.assign(product, sentFields(params, ...PLAIN_FIELDS, "default_price"));
    product.metadata = mergeMetadata(product.metadata, params.metadata);
    product.updated = world.now();
  });
}

function remove(world: World, id: string): Stripe.DeletedProduct {
  const product = world.get("product", id);
  if (world.store.all("price").some((price) => price.product === id)) {
    throw invalidRequest("This product cannot be deleted because it has one or more user-created prices.");
  }
  world.store.remove("product", id);
  world.emit("product.deleted", product);
  return { id, object: "product", deleted: true };
}

export const productRoutes = [
  route<Stripe.ProductCreateParams>(
    "POST",
    "/products",
    `${WRITABLE} id default_price_data`,
    (params, { world }) => create(params, world),
  ),
  route("GET", "/products/{}", "", (_, { world, ids }) => world.get("product", ids[0]!)),
  route<Stripe.ProductUpdateParams>(
    "POST",
    "/products/{}",
    `${WRITABLE} default_price`,
    (params, { world, ids }) => update(params, world, ids[0]!),
  ),
  route("DELETE", "/products/{}", "", (_, { world, ids }) => remove(world, ids[0]!)),
  route<Stripe.ProductListParams>(
    "GET",
    "/products",
    "active ids url created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(path, world.store.all("product"), params, (product) => {
        if (params.active !== undefined && product.active !== params.active) return false;
        if (params.url !== undefined && product.url !== params.url) return false;
        return !params.ids || params.ids.includes(product.id);
      }),
  ),
];
