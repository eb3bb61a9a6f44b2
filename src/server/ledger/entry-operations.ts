/** What an entry may say that happened. `revoke`: taken back; `repay`: a debt was paid; below zero, both: given back. */
export const ENTRY_OPERATIONS = [
  "grant",
  "consume",
  "hold",
  "commit",
  "release",
  "refund",
  "adjust",
  "forfeit",
  "expire",
  "revoke",
  "repay",
  "deny",
  "brought_forward",
] as const;
