import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll, inject } from "vitest";
import { type Database, type DatabaseOptions, openDatabase } from "@/server/db/client";
import { withDatabase, withLogin } from "./urls";

export interface TestDatabase {
  /** As the app: not the owner, behind row-level security. */
  db: Database;
  /** As the superuser: to look at everything, and to set a scene. */
  owner: postgres.Sql;
  appUrl: string;
  ownerUrl: string;
}

/** A database of this test file's own, copied from the migrated template; dropped when the file is done. */
export async function testDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const { drop, ...database } = await borrowDatabase(options);
  afterAll(drop);
  return database;
}

/** As above, for a part of a test: whoever borrows it drops it. */
export async function borrowDatabase(
  options: DatabaseOptions = {},
): Promise<TestDatabase & { drop(): Promise<void> }> {
  const serverUrl = inject("ownerUrl");
  const template = inject("templateName");
  const name = `${template.replace("template", "test")}_${randomBytes(6).toString("hex")}`;
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} });
  await admin`create database ${admin(name)} template ${admin(template)}`;
  const ownerUrl = withDatabase(serverUrl, name);
  const appUrl = withLogin(ownerUrl);
  const db = openDatabase(appUrl, options);
  const owner = postgres(ownerUrl, { max: 4, onnotice: () => {} });
  const drop = async () => {
    await db.close();
    await owner.end({ timeout: 5 });
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end({ timeout: 5 });
  };
  return { db, owner, appUrl, ownerUrl, drop };
}
