import path from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeEmbeddedPostgres, startEmbeddedPostgres } from "@/server/db/embedded";
import { migrate } from "@/server/db/migrate";
import { catalogRules } from "./catalog-rules";

/** Roles belong to the whole server: only on one of its own is nothing there yet. */
const dir = path.resolve(`.data-test/plain-owner-${process.pid}`);
let root: postgres.Sql;
let ownerUrl: string;
let appUrl: string;

const withUser = (url: string, user: string) => {
  const changed = new URL(url);
  changed.username = user;
  changed.password = user;
  changed.pathname = "/product";
  return changed.href;
};

beforeAll(async () => {
  const server = await startEmbeddedPostgres({ dir });
  root = postgres(server.ownerUrl, { max: 1, onnotice: () => {} });
  [ownerUrl, appUrl] = [withUser(server.ownerUrl, "product_owner"), withUser(server.ownerUrl, "app_login")];
  await root`create role product_owner login createrole password 'product_owner'`;
  await root`create database product owner product_owner`;
});
afterAll(async () => {
  await root.end({ timeout: 5 });
  await removeEmbeddedPostgres(dir);
});

test("an owner that is no superuser, as hosters give one, migrates a new server, and again", async () => {
  expect((await migrate({ ownerUrl, appUrl })).applied).toBeGreaterThan(0);
  expect(await migrate({ ownerUrl, appUrl })).toEqual({ applied: 0 });
  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  for (const { name, breaches } of catalogRules) {
    const params = breaches.includes("$1") ? ["app_login"] : [];
    expect([...(await owner.unsafe(breaches, params))], name).toEqual([]);
  }
  await owner.end({ timeout: 5 });
});
