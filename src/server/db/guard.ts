import type postgres from "postgres";
import { AppError } from "../errors";

type AnyFn = (...args: never[]) => unknown;
/** What the guard needs to know of a postgres.js query: a promise that is sent when somebody first listens. */
interface LazyQuery extends Promise<unknown> {
  handle: () => Promise<void>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** Set once the query was given to a connection. */
  state: unknown;
  strings: string[];
  args: unknown[];
}
interface Scope {
  closed: boolean;
  parent: Scope | null;
}

/** How long a caller waits for a free connection before it gets BUSY (postgres.js has no such time-out). */
export const POOL_WAIT_TIMEOUT_MS = 2_000;

/**
 * Makes a postgres.js client safe for row-level security: a transaction handle (also a savepoint's, also a query
 * made earlier and awaited later) throws TX_HANDLE_CLOSED once its transaction's work is done or its connection
 * lost, instead of running inside the next tenant's transaction (porsager/postgres#1216). Waiting for the pool is
 * bounded.
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

/**
 * Closes the scope with the work's end, before COMMIT or ROLLBACK is sent: a straggler must not slip in behind it.
 * Never settles once the scope was closed from outside, so that no stray COMMIT reaches a connection lent anew.
 */
function untilClosed<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const close = (done: () => void) => {
      if (isClosed(scope)) return;
      scope.closed = true;
      done();
    };
    work().then(
      (value) => close(() => resolve(value)),
      (error) => close(() => reject(error)),
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
  const reject = lazy.reject;
  lazy.handle = async () => {
    if (isClosed(scope)) return lazy.reject(closedError());
    return handle();
  };
  // postgres.js crashes the process when a handle is used between this rejection and `begin`'s own.
  lazy.reject = (error) => {
    if (isConnectionLost(error)) closeAll(scope);
    reject(error);
  };
  return lazy;
}

/** A query outside of transactions gives up while it waits for a connection, but never once it was sent. */
function boundedWait<T>(query: T): T {
  const lazy = query as unknown as LazyQuery;
  const { resolve, reject } = lazy;
  const handle = lazy.handle.bind(lazy);
  let timer: NodeJS.Timeout | undefined;
  const giveUp = () => {
    if (lazy.state) return;
    // Cancelling it would wedge a connection that is still being opened for it (postgres.js never frees that one).
    lazy.strings = ["select 1"];
    lazy.args = [];
    reject(busy());
  };
  lazy.resolve = (value) => {
    clearTimeout(timer);
    resolve(value);
  };
  lazy.reject = (error) => {
    clearTimeout(timer);
    reject(error);
  };
  lazy.handle = () => {
    if (timer === undefined) timer = setTimeout(giveUp, POOL_WAIT_TIMEOUT_MS);
    return handle();
  };
  return query;
}

/** postgres.js's own codes, and a socket's. An error that the server answered with is none of these. */
function isConnectionLost(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  return typeof syscall === "string" || (typeof code === "string" && code.startsWith("CONNECTION_"));
}

function closeAll(scope: Scope): void {
  for (let current: Scope | null = scope; current; current = current.parent) current.closed = true;
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
