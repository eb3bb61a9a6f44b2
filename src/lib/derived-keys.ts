import { hkdfSync } from "node:crypto";

const KEY_BYTES = 32;

/** Names a use, such as `trial-cookie`, and gives its key. */
export type KeyFor = (use: string) => Buffer;

/** A key for each use, all from one secret (HKDF, RFC 5869): what one of them gives away tells nothing of another. */
export function derivedKeys(secret: string): KeyFor {
  return (use) => Buffer.from(hkdfSync("sha256", secret, "", `tollgate:${use}`, KEY_BYTES));
}
