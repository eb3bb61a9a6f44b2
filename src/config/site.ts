export const site = {
  name: "Tollgate",
  tagline: "Billing, credits and quota in your own Postgres.",
  supportEmail: "support@example.com",
} as const;
