import { foreignKey, index, integer, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { newId } from "../../lib/ids";
import { systemClock } from "../../lib/time";
import { createdAt, id, instant, tenantId } from "../db/columns";

/** People and their sessions are global (a person may be in several tenants); names as next-auth's adapter wants them. */
export const users = pgTable("users", {
  id: id()
    .primaryKey()
    .$defaultFn(() => newId("user", systemClock())),
  name: text(),
  email: text().notNull().unique(),
  emailVerified: instant(),
  image: text(),
  createdAt: createdAt().$defaultFn(systemClock),
});

export const oauthAccounts = pgTable(
  "oauth_accounts",
  {
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    type: text().notNull(),
    provider: text().notNull(),
    providerAccountId: text().notNull(),
    refresh_token: text(),
    access_token: text(),
    expires_at: integer(),
    token_type: text(),
    scope: text(),
    id_token: text(),
    session_state: text(),
  },
  (t) => [primaryKey({ columns: [t.provider, t.providerAccountId] }), index().on(t.userId)],
);

export const sessions = pgTable(
  "sessions",
  {
    sessionToken: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    expires: instant().notNull(),
  },
  (t) => [index().on(t.userId)],
);

export const verificationTokens = pgTable(
  "verification_tokens",
  { identifier: text().notNull(), token: text().notNull(), expires: instant().notNull() },
  (t) => [primaryKey({ columns: [t.identifier, t.token] })],
);

/** How many sign-in mails an address or a network may still ask for: one row per subject and window. */
export const signInAttempts = pgTable("sign_in_attempts", {
  /** A keyed hash of the e-mail or the network: no raw address is kept. */
  subject: text().primaryKey(),
  count: integer().notNull(),
  windowEndsAt: instant().notNull(),
});

export const tenants = pgTable(
  "tenants",
  {
    tenantId: tenantId(),
    slug: text().notNull(),
    name: text().notNull(),
    timeZone: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.tenantId] })],
);

export const members = pgTable(
  "members",
  {
    tenantId: tenantId(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    role: text({ enum: ["owner", "admin", "billing", "member"] }).notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Only the hash of a key is kept. The key itself carries its tenant, so no look-up crosses tenants. */
export const apiKeys = pgTable(
  "api_keys",
  {
    tenantId: tenantId(),
    id: id(),
    name: text().notNull(),
    /** sha-256 of the secret, hex. */
    secretHash: text().notNull(),
    /** The last four characters, to tell keys apart in a list. */
    hint: text().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    lastUsedAt: instant(),
    revokedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique().on(t.tenantId, t.secretHash),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Directories route an outside name to its tenant before one is known. They hold ids and nothing else. */
export const slugDirectory = pgTable("slug_directory", {
  slug: text().primaryKey(),
  tenant: text().notNull(),
});

export const memberDirectory = pgTable(
  "member_directory",
  { userId: text().notNull(), tenant: text().notNull() },
  (t) => [primaryKey({ columns: [t.userId, t.tenant] })],
);
