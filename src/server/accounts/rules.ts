import type { Role } from "../context";

/** What a role may do. Permissions are named noun:verb; the ladder asks with `can("billing:write")`. */
export type Permission =
  | "workspace:read"
  | "product:use"
  | "billing:read"
  | "billing:write"
  | "members:write"
  | "keys:write";

const EVERYONE: readonly Permission[] = ["workspace:read", "product:use"];
const MONEY: readonly Permission[] = ["billing:read", "billing:write"];

const PERMISSIONS: Record<Role, readonly Permission[]> = {
  owner: [...EVERYONE, ...MONEY, "members:write", "keys:write"],
  admin: [...EVERYONE, ...MONEY, "members:write", "keys:write"],
  billing: [...EVERYONE, ...MONEY],
  member: EVERYONE,
};

export function mayDo(role: Role, permission: Permission): boolean {
  return PERMISSIONS[role].includes(permission);
}

/** First path segments that are pages of the app, so no workspace may take them. */
const RESERVED_SLUGS = new Set([
  "api",
  "sign-in",
  "sign-out",
  "admin",
  "dev",
  "pricing",
  "try",
  "docs",
  "settings",
  "new",
  "static",
  "public",
  "www",
]);

/** A workspace's address from its name: lower-case letters, digits and single dashes, never a page of the app. */
export function slugFrom(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/[\p{M}'’]/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  if (plain === "") return "workspace";
  return RESERVED_SLUGS.has(plain) ? `${plain}-workspace` : plain;
}
