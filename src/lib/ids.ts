import { v7 } from "uuid";

/** The one registry of id prefixes. An id is `prefix_` + 26 base32 characters of a UUIDv7, so ids sort by time. */
const PREFIXES = {
  user: "usr",
  oauthAccount: "oac",
  tenant: "ten",
  apiKey: "key",
  lot: "lot",
  entry: "ent",
  lease: "lea",
  override: "ovr",
  checkout: "chk",
  order: "ord",
  planChange: "chg",
  planMove: "mov",
  invoiceCredit: "icr",
  addOnInvoice: "inv",
  auditEvent: "aud",
  message: "msg",
  drift: "dri",
  visitor: "vis",
  awaitedCredits: "awc",
  run: "run",
  channel: "chn",
} as const;

export type IdKind = keyof typeof PREFIXES;

/** A tenant id that was proven to belong to the caller. Only the procedure ladder, the API-key check, the
 *  inbox's customer look-up and cron's own listing may mint one (see `tests/architecture.test.ts`). */
export type TenantId = string & { readonly __tenant: unique symbol };

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** Random bytes are drawn in bulk: asking the system for sixteen at a time costs more than all the rest of an id. */
const pool = new Uint8Array(4_096);
let poolAt = pool.length;
const scratch = new Uint8Array(16);

function randomBytes16(): Uint8Array {
  if (poolAt === pool.length) {
    crypto.getRandomValues(pool);
    poolAt = 0;
  }
  poolAt += 16;
  return pool.subarray(poolAt - 16, poolAt);
}

/** Goes on from millisecond to millisecond: two ids of one instant keep their order, whatever was made between them. */
let sequence = 0;

/** A new id, ordered by `at` (the caller's clock) and, within a millisecond, by the order of the calls. */
export function newId(kind: IdKind, at: Date): string {
  sequence = (sequence + 1) & 0x7fff_ffff;
  const uuid = v7({ msecs: at.getTime(), seq: sequence, random: randomBytes16() }, scratch);
  return `${PREFIXES[kind]}_${base32(uuid)}`;
}

/** Sorts before every id made at `at` or later, and after those of the milliseconds before: a border in time for ids. */
export function firstId(kind: IdKind, at: Date): string {
  const bytes = new Uint8Array(16);
  // A UUIDv7 begins with 48 bits of milliseconds; what follows is never all zeros.
  new DataView(bytes.buffer).setBigUint64(0, BigInt(at.getTime()) << 16n);
  return `${PREFIXES[kind]}_${base32(bytes)}`;
}

/** Marks an id as proven. See {@link TenantId} for who may. */
export function provenTenantId(id: string): TenantId {
  return id as TenantId;
}

/** Character codes of the id that is being written: one string is made of them, not one for each character. */
const codes: number[] = Array.from({ length: 26 }, () => 0);

function base32(bytes: Uint8Array): string {
  let at = 0;
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      codes[at++] = ALPHABET.charCodeAt((value >>> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  codes[at] = ALPHABET.charCodeAt((value << (5 - bits)) & 31);
  return String.fromCharCode(...codes);
}
