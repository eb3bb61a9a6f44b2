import type { Role } from "../context";

/** What a role may do. Permissions are named noun:verb; the ladder asks with `can("billing:write")`. */
export type Permission = "workspace:read" | "product:use" | "billing:read" | "billing:write" | "members:write" | "keys:write";

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
