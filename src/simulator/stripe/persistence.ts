import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DeliveryJob } from "./delivery";
import type { IdempotencyKeys } from "./idempotency";
import type { Store, StoreSnapshot } from "./store";

/** Everything that survives a restart. */
export interface SavedState {
  format: 1;
  /** Where the hosted pages were. */
  baseUrl: string;
  store: StoreSnapshot;
  idCounters: Record<string, number>;
  clockOffsetMs: number;
  idempotencyKeys: ReturnType<IdempotencyKeys["toJSON"]>;
  deliveries: DeliveryJob[];
}

const DEBOUNCE_MS = 200;

/** Reads a saved state; null when there is none yet. */
export function readState(file: string | undefined): SavedState | null {
  if (!file) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as SavedState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Points the saved addresses of hosted pages to where they are now: the port may have changed. */
export function rebase(store: Store, from: string, to: string): void {
  const moved = (url: string | null | undefined) =>
    url?.startsWith(from) ? to + url.slice(from.length) : url;
  for (const session of store.all("checkout.session")) session.url = moved(session.url) ?? null;
  for (const session of store.all("billing_portal.session")) session.url = moved(session.url) ?? session.url;
  for (const invoice of store.all("invoice")) {
    invoice.hosted_invoice_url = moved(invoice.hosted_invoice_url);
    invoice.invoice_pdf = moved(invoice.invoice_pdf);
  }
}

/** Writes the state soon after a change, and never a torn file. */
export class StateFile {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: string | undefined,
    private readonly current: () => SavedState,
  ) {}

  /** Saves within a fraction of a second. */
  touch(): void {
    if (!this.file) return;
    this.timer ??= setTimeout(() => this.save(), DEBOUNCE_MS);
  }

  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.file) return;
    mkdirSync(path.dirname(this.file), { recursive: true });
    const temporary = `${this.file}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify(this.current()));
    renameSync(temporary, this.file);
  }
}
