import type postgres from "postgres";
import { AppError } from "../errors";

type AnyFn = (...args: never[]) => unknown;
interface LazyQuery extends Promise<unknown> {
  handle: () => Promise<void>;
  reject: (error: Error) => void;
  cancel: () => void;
  state: unknown;
}
interface Scope {
  closed: boolean;
  parent: Scope | null;
}

/** How long a caller waits for a free connection before it gets BUSY (postgres.js has no such time-out). */
export const POOL_WAIT_TIMEOUT_MS = 2_000;

/**
 * Makes a postgres.js client safe for row-level security: a transaction handle (also a savepoint's, also a query
 * made earlier and awaited later) throws TX_HANDLE_CLOSED once its transaction has settled, instead of running
 * inside the next tenant's transaction (porsager/postgres#1216). Waiting for the pool is bounded.
 */
export function guardClient(client: postgres.Sql): postgres.Sql {
  return new Proxy(client, {
    get(target, key) {
      if (key === "begin") return (...args: unknown[]) => guardedBegin(target, args);
      if (key === "unsafe")
        return (...args: Parameters<typeof target.unsafe>) => boundedWait(target.unsafe(...args));
      return Reflect.get(target, key);
    },
  });
}

function guardedBegin(client: postgres.Sql, args: unknown[]): Promise<unknown> {
  const fn = args.at(-1) as (tx: unknown) => unknown;
  const options = args.length > 1 ? String(args[0]) : "";
  const scope: Scope = { closed: false, parent: null };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      scope.closed = true;
      reject(busy());
    }, POOL_WAIT_TIMEOUT_MS);
    const run = async (tx: unknown) => {
      clearTimeout(timer);
      assertOpen(scope);
      return untilClosed(scope, async () => fn(guardHandle(tx as object, scope)));
    };
    client.begin(options, run).then(
      (value) => settle(scope, timer, () => resolve(value)),
      (error) => settle(scope, timer, () => reject(error)),
    );
  });
}

function settle(scope: Scope, timer: NodeJS.Timeout, done: () => void): void {
  clearTimeout(timer);
  scope.closed = true;
  done();
}

/** Never settles once the scope has closed, so that no stray COMMIT or ROLLBACK reaches a connection lent anew. */
function untilClosed<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    work().then(
      (value) => isClosed(scope) || resolve(value),
      (error) => isClosed(scope) || reject(error),
    );
  });
}

function guardHandle(tx: object, scope: Scope): object {
  return new Proxy(tx, {
    apply(target, self, args) {
      assertOpen(scope);
      return guardQuery(Reflect.apply(target as unknown as AnyFn, self, args as never[]), scope);
    },
    get(target, key) {
      assertOpen(scope);
      const value = Reflect.get(target, key);
      if (key === "unsafe") return (...args: never[]) => guardQuery((value as AnyFn)(...args), scope);
      if (key === "savepoint") return (...args: unknown[]) => guardedSavepoint(value as AnyFn, args, scope);
      return value;
    },
  });
}

async function guardedSavepoint(savepoint: AnyFn, args: unknown[], parent: Scope): Promise<unknown> {
  const scope: Scope = { closed: false, parent };
  const fn = args.at(-1) as (tx: unknown) => unknown;
  const run = (tx: unknown) => untilClosed(scope, async () => fn(guardHandle(tx as object, scope)));
  try {
    return await savepoint(...([...args.slice(0, -1), run] as never[]));
  } finally {
    scope.closed = true;
  }
}

function guardQuery(query: unknown, scope: Scope): unknown {
  if (!(query instanceof Promise)) return query;
  const lazy = query as LazyQuery;
  const handle = lazy.handle.bind(lazy);
  lazy.handle = async () => {
    if (isClosed(scope)) return lazy.reject(closedError());
    return handle();
  };
  return lazy;
}

function boundedWait<T>(query: T): T {
  const lazy = query as unknown as LazyQuery;
  const handle = lazy.handle.bind(lazy);
  let timer: NodeJS.Timeout | null = null;
  lazy.handle = () => {
    timer ??= setTimeout(() => {
      if (lazy.state) return;
      lazy.cancel();
    }, POOL_WAIT_TIMEOUT_MS).unref();
    return handle();
  };
  return query;
}

function isClosed(scope: Scope): boolean {
  return scope.closed || (scope.parent !== null && isClosed(scope.parent));
}

function assertOpen(scope: Scope): void {
  if (isClosed(scope)) throw closedError();
}

function closedError(): Error {
  return new Error("TX_HANDLE_CLOSED: this transaction has ended; a query on it was not awaited inside it.");
}

function busy(): AppError {
  return new AppError("BUSY", "The service is busy. Please try again in a moment.", {
    hint: `No database connection became free within ${POOL_WAIT_TIMEOUT_MS} ms.`,
  });
}
