import type postgres from "postgres";
import type Stripe from "stripe";
import type { TenantCtx } from "@/server/context";
import { openDatabase } from "@/server/db/client";
import { watchStatements } from "./statements";

/** What is asked of Stripe. A list only reads: dying there is dying before the statement that follows. */
const ASKING = new Set(
  "create update retrieve createPreview confirm cancel release resume pay finalizeInvoice voidInvoice expire".split(
    " ",
  ),
);

/** A process of its own: it dies right before or right after its n-th statement or request, and then nothing moves any more. */
export class Mortal {
  points = 0;
  private readonly clients: postgres.Sql[] = [];
  private announce: (how: "died") => void = () => {};
  readonly death = new Promise<"died">((resolve) => {
    this.announce = resolve;
  });
  private isDead = false;

  constructor(
    private readonly failAt: number,
    private readonly of: { appUrl: string; stripe: Stripe },
  ) {}

  /** A dead process neither goes on nor hears an answer. */
  pass = (): Promise<void> => {
    this.points += 1;
    if (this.points === this.failAt) {
      this.isDead = true;
      this.announce("died");
    }
    return this.isDead ? new Promise(() => {}) : Promise.resolve();
  };

  ctx(ctx: TenantCtx): TenantCtx {
    const wrap = (client: postgres.Sql) => {
      this.clients.push(client);
      return watchStatements(client, { before: this.pass });
    };
    const db = openDatabase(this.of.appUrl, { poolSize: 3, gateConnections: 1, wrap });
    return { ...ctx, db, stripe: this.watched(this.of.stripe) };
  }

  /** Connections break, and Postgres undoes what was open. */
  async bury(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end({ timeout: 0 })));
  }

  /** Each request is two points: it was never sent, or its answer was never heard. Lists only read. */
  private watched<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (on, name) => {
        const value: unknown = Reflect.get(on, name);
        if (typeof value === "function") {
          if (!ASKING.has(String(name))) return value.bind(on);
          return async (...args: unknown[]) => {
            await this.pass();
            const answer: unknown = await value.apply(on, args);
            await this.pass();
            return answer;
          };
        }
        return typeof value === "object" && value !== null ? this.watched(value) : value;
      },
    }) as T;
  }
}
