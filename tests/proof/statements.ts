import type postgres from "postgres";

/** Told of every statement: what `before` returns is waited for; `after` comes with the answer, or with none. */
export interface Watcher {
  before(statement: string): void | Promise<void>;
  after?(statement: string): void;
}

interface Lazy {
  handle: () => Promise<void>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}
type Unsafe = postgres.Sql["unsafe"];

/**
 * A client that tells of BEGIN, each query, COMMIT and ROLLBACK. For `openDatabase`'s `wrap`. What it cannot see is
 * postgres.js's own set-up of a connection.
 */
export function watchStatements(client: postgres.Sql, watcher: Watcher): postgres.Sql {
  return new Proxy(client, {
    get(target, key) {
      if (key === "unsafe") return watchedUnsafe(target, watcher);
      if (key === "begin") return (...args: unknown[]) => watchedBegin(target, args, watcher);
      return Reflect.get(target, key);
    },
  });
}

function watchedUnsafe(client: { unsafe: Unsafe }, watcher: Watcher): Unsafe {
  return ((...args: Parameters<Unsafe>) => {
    const query = client.unsafe(...args);
    const lazy = query as unknown as Lazy;
    const { resolve, reject } = lazy;
    const handle = lazy.handle.bind(lazy);
    let asked: Promise<void> | undefined;
    // A query is sent when somebody first listens, and asked for again by each listener: only the first one counts.
    lazy.handle = () => {
      asked ??= Promise.resolve(watcher.before(args[0])).then(handle);
      return asked;
    };
    lazy.resolve = (value) => {
      watcher.after?.(args[0]);
      resolve(value);
    };
    lazy.reject = (error) => {
      watcher.after?.(args[0]);
      reject(error);
    };
    return query;
  }) as Unsafe;
}

async function watchedBegin(client: postgres.Sql, args: unknown[], watcher: Watcher): Promise<unknown> {
  const work = args.at(-1) as (tx: unknown) => unknown;
  let open = "begin";
  await watcher.before(open);
  const settle = (next: string) => {
    if (open !== "") watcher.after?.(open);
    open = next;
  };
  const ending = async (statement: string) => {
    await watcher.before(statement);
    open = statement;
  };
  try {
    return await client.begin(args.length > 1 ? String(args[0]) : "", async (tx) => {
      settle("");
      try {
        const result = await work(watchedTransaction(tx, watcher));
        await ending("commit");
        return result;
      } catch (error) {
        await ending("rollback");
        throw error;
      }
    });
  } finally {
    settle("");
  }
}

function watchedTransaction(tx: postgres.TransactionSql, watcher: Watcher): postgres.TransactionSql {
  return new Proxy(tx, {
    get(target, key) {
      if (key === "unsafe") return watchedUnsafe(target as unknown as { unsafe: Unsafe }, watcher);
      return Reflect.get(target, key);
    },
  });
}
