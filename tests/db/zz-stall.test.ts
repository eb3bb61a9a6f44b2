import { test, expect } from "vitest";
import { createServer, connect } from "node:net";
import postgres from "postgres";
import { testDatabase } from "@tests/support/database";
import { guardClient } from "@/server/db/guard";
test.each([1,2])("stall %i", async (max) => {
  const { appUrl } = await testDatabase();
  const t = new URL(appUrl);
  let open = () => {}; const opened = new Promise<void>((r) => { open = r; });
  let conns = 0;
  const proxy = createServer({ pauseOnConnect: true }, async (s) => { conns++; s.on("error", () => {}); await opened; const u = connect(Number(t.port), t.hostname); u.on("error", () => {}); s.pipe(u).pipe(s); s.resume(); });
  await new Promise<void>((r) => proxy.listen(0, "127.0.0.1", r));
  const u = new URL(appUrl); u.port = String((proxy.address() as any).port);
  const client = guardClient(postgres(u.href, { max, connect_timeout: 5, fetch_types: false, onnotice: () => {} }));
  const a = await Promise.allSettled(Array.from({length: max}, () => client.unsafe("select 1")));
  console.log(a.map((x: any) => x.reason?.code), "conns", conns);
  open();
  for (let i = 0; i < 3; i++) { const b = await client.unsafe("select 2 as n").catch((e) => e.code + e.message); console.log(max, i, b, conns); }
  await client.end({ timeout: 1 }); proxy.close();
});
