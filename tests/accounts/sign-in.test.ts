import { world } from "@tests/support/world";
import { afterAll, describe, expect, test, vi } from "vitest";
import { listTenants } from "@/server/accounts/service";
import { giveWorkspace } from "@/server/auth";
import { createCtx, type Runtime } from "@/server/context";
import { startMailCatcher } from "@/simulator/mail/catcher";
import { linkIn, testAuth, Visitor } from "./visitor";

const { owner, runtime } = await world();
const catcher = await startMailCatcher();
afterAll(() => catcher.close());

const asUser = (userId: string) => createCtx(runtime, { kind: "user", userId });
const auth = testAuth(runtime, {
  smtpUrl: catcher.smtpUrl,
  onSignIn: (person) => giveWorkspace(asUser(person.userId), person),
});
const log = vi.spyOn(console, "error").mockImplementation(() => {});
const logged = () => JSON.stringify(log.mock.calls);
let number = 0;
const visitor = (name = "ada") => {
  number += 1;
  return new Visitor(auth, `${name}${number}@example.com`, catcher.url);
};
const locationOf = (response: Response) => response.headers.get("location");

describe("a sign-in by mail", () => {
  test("gives a session and a workspace to a new person", async () => {
    const ada = visitor();
    const answer = await ada.signIn("/ada/usage");
    expect([answer.status, locationOf(answer)]).toEqual([302, "http://app.test/ada/usage"]);
    const session = await auth.sessionOf(ada.headers);
    expect(session?.user).toMatchObject({ email: ada.email, name: null });
    expect(session?.user.id).toMatch(/^usr_[0-9a-z]{26}$/);
    expect(await listTenants(asUser(session!.user.id))).toMatchObject([{ name: "ada1", role: "owner" }]);
  });

  test("signs the same person in again, whatever the letters' case, and makes no second workspace", async () => {
    const ada = visitor();
    await ada.signIn();
    const first = await auth.sessionOf(ada.headers);
    const again = new Visitor(auth, ada.email.toUpperCase(), catcher.url);
    await again.signIn();
    const second = await auth.sessionOf(again.headers);
    expect(second?.user.id).toBe(first?.user.id);
    expect(again.headers.get("cookie")).not.toBe(ada.headers.get("cookie"));
    expect(await listTenants(asUser(first!.user.id))).toHaveLength(1);
  });

  test("lets people in although making the workspace failed", async () => {
    const failing = testAuth(runtime, {
      smtpUrl: catcher.smtpUrl,
      onSignIn: async () => {
        throw new Error("the process died here");
      },
    });
    const bo = new Visitor(failing, "bo-crash@example.com", catcher.url);
    expect((await bo.signIn()).status).toBe(302);
    expect(await failing.sessionOf(bo.headers)).not.toBeNull();
    expect(logged()).toMatch(/the process died here/);
  });

  test("sends a mail that names the product, as text and HTML, with no other link", async () => {
    const mail = await visitor().ask("/ada?a=1&b=2");
    expect(mail).toMatchObject({ subject: "Sign in to Tollgate", from: "Tollgate <hello@app.test>" });
    const link = linkIn(mail);
    expect(new Set(mail.links)).toEqual(new Set([link]));
    expect(mail.text).toContain(link);
    expect(mail.html).toContain(link.replaceAll("&", "&amp;"));
    expect(new URL(link).searchParams.get("callbackUrl")).toBe("/ada?a=1&b=2");
  });
});

describe("a sign-in link", () => {
  test("works once", async () => {
    const ada = visitor();
    const link = linkIn(await ada.ask());
    expect(locationOf(await ada.confirm(link))).toBe("http://app.test/");
    const thief = new Visitor(auth, ada.email, catcher.url);
    const answer = await thief.confirm(link);
    expect(locationOf(answer)).toBe("http://app.test/sign-in?error=Verification");
    expect(await auth.sessionOf(thief.headers)).toBeNull();
  });

  test("used by ten at the same moment lets one in", async () => {
    const ada = visitor();
    const link = linkIn(await ada.ask());
    const ten = Array.from({ length: 10 }, () => new Visitor(auth, ada.email, catcher.url));
    await Promise.all(ten.map((one) => one.confirm(link)));
    const sessions = await Promise.all(ten.map((one) => auth.sessionOf(one.headers)));
    expect(sessions.filter(Boolean)).toHaveLength(1);
  });

  test("is not used up by a scanner that opens it, or calls the callback by GET or HEAD", async () => {
    const ada = visitor();
    const link = linkIn(await ada.ask());
    const { pathname, search } = new URL(link);
    expect(pathname).toBe("/sign-in/confirm");
    for (const method of ["GET", "HEAD"]) {
      expect((await visitor("scanner").get(`callback/nodemailer${search}`, method)).status).toBe(405);
    }
    expect(locationOf(await ada.confirm(link))).toBe("http://app.test/");
    expect(await auth.sessionOf(ada.headers)).not.toBeNull();
  });

  test.each([
    ["another token", { token: "0".repeat(64) }],
    ["another's e-mail", { email: "eve@example.com" }],
    ["no e-mail", { email: "" }],
  ])("with %s lets nobody in", async (_what, change) => {
    const ada = visitor();
    const fields = Object.fromEntries(new URL(linkIn(await ada.ask())).searchParams);
    const answer = await ada.post("callback/nodemailer", { ...fields, ...change });
    expect(locationOf(answer)).toContain("/sign-in?error=");
    expect(await auth.sessionOf(ada.headers)).toBeNull();
  });

  test("that is over lets nobody in", async () => {
    const ada = visitor();
    const link = linkIn(await ada.ask());
    await owner`update verification_tokens set expires = '2000-01-01' where identifier = ${ada.email}`;
    expect(locationOf(await ada.confirm(link))).toContain("error=Verification");
  });

  test("leads to our own origin, whatever the page was told and whatever the Host says", async () => {
    for (const evil of ["//evil.example", "https://evil.example/", "/\\evil.example"]) {
      const ada = visitor();
      const link = linkIn(await ada.ask(evil));
      expect(link.startsWith("http://app.test/sign-in/confirm?")).toBe(true);
      const forged = new URL(link);
      forged.searchParams.set("callbackUrl", evil);
      expect(locationOf(await ada.confirm(forged.href))).toBe("http://app.test/");
    }
    const bo = new Visitor(auth, "bo-host@example.com", catcher.url);
    const headers = new Headers({ host: "evil.example", "x-forwarded-host": "evil.example" });
    await auth.sendLink({ email: bo.email, headers });
    expect(linkIn((await bo.mails())[0]!)).toMatch(/^http:\/\/app\.test\//);
  });
});

describe("forged forms", () => {
  test.each([
    ["another origin", { origin: "https://evil.example" }],
    ["no origin", {}],
    ["a null origin", { origin: "null" }],
    ["a sibling", { origin: "http://app.test", "sec-fetch-site": "same-site" }],
    ["another site", { origin: "http://app.test", "sec-fetch-site": "cross-site" }],
  ])("from %s can neither sign in nor out", async (_what, headers: Record<string, string>) => {
    const ada = visitor();
    const fields = Object.fromEntries(new URL(linkIn(await ada.ask())).searchParams);
    expect((await ada.post("callback/nodemailer", fields, headers)).status).toBe(403);
    expect((await ada.post("signout", {}, headers)).status).toBe(403);
  });

  test("no mail is sent around the counting", async () => {
    const eve = visitor("eve");
    const csrf = (await (await eve.get("csrf")).json()) as { csrfToken: string };
    const answer = await eve.post("signin/nodemailer", { email: eve.email, csrfToken: csrf.csrfToken });
    expect(answer.status).toBe(404);
    expect(await eve.mails()).toEqual([]);
  });

  test("an endless form is not read", async () => {
    expect((await visitor().post("callback/nodemailer", { token: "x".repeat(100_000) })).status).toBe(413);
  });
});

describe("a session", () => {
  test("is kept by hash, in a cookie that scripts and other sites don't get", async () => {
    const ada = visitor();
    const answer = await ada.signIn();
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith("authjs.session-token="));
    expect(cookie).toMatch(/; Path=\/;.*HttpOnly; SameSite=Lax/i);
    const token = /=([^;]+)/.exec(cookie!)![1]!;
    expect(await owner`select 1 from sessions where session_token = ${token}`).toHaveLength(0);
    expect(await auth.sessionOf(new Headers({ cookie: "authjs.session-token=guess" }))).toBeNull();
  });

  test("on https is a __Host- cookie", async () => {
    const secure: Runtime = { ...runtime, appUrl: "https://app.test" };
    const ada = new Visitor(
      testAuth(secure, { smtpUrl: catcher.smtpUrl }),
      "ada-https@example.com",
      catcher.url,
      "https://app.test",
    );
    const answer = await ada.signIn();
    const cookie = answer.headers.getSetCookie().find((line) => line.includes("session-token="));
    expect(cookie).toMatch(/^__Host-authjs\.session-token=.*; Path=\/;.*; Secure/i);
    expect(cookie).not.toMatch(/domain=/i);
    expect(await ada.auth.sessionOf(ada.headers)).not.toBeNull();
  });

  test("that was planted before the sign-in is not the one after it", async () => {
    const ada = visitor();
    const link = linkIn(await ada.ask());
    const planted = "authjs.session-token=planted-by-somebody";
    const all = { origin: "http://app.test", cookie: planted };
    await ada.post("callback/nodemailer", Object.fromEntries(new URL(link).searchParams), all);
    expect(ada.headers.get("cookie")).not.toContain("planted");
    expect(await auth.sessionOf(new Headers({ cookie: planted }))).toBeNull();
    expect(await auth.sessionOf(ada.headers)).not.toBeNull();
  });

  test("ends on the server with the sign-out, when it is over, and with the person", async () => {
    const ada = visitor();
    await ada.signIn();
    const kept = ada.headers;
    const csrf = (await (await ada.get("csrf")).json()) as { csrfToken: string };
    await ada.post("signout", { csrfToken: csrf.csrfToken });
    expect(await auth.sessionOf(kept)).toBeNull();
    const bo = visitor("bo");
    await bo.signIn();
    await owner`update sessions set expires = '2000-01-01'`;
    expect(await auth.sessionOf(bo.headers)).toBeNull();
    const cleo = visitor("cleo");
    await cleo.signIn();
    await owner`delete from users where email = ${cleo.email}`;
    expect(await auth.sessionOf(cleo.headers)).toBeNull();
  });

  test("is nobody's when next-auth is misconfigured: its error object signs nobody in", async () => {
    const ada = visitor();
    await ada.signIn();
    const broken = testAuth(runtime, { smtpUrl: catcher.smtpUrl, secret: "" });
    expect(await broken.sessionOf(ada.headers)).toBeNull();
    expect(logged()).toMatch(/MissingSecret/);
  });

  test("is nobody's while the database does not answer", async () => {
    const ada = visitor();
    await ada.signIn();
    await owner`alter table sessions rename to sessions_away`;
    expect(await auth.sessionOf(ada.headers)).toBeNull();
    await owner`alter table sessions_away rename to sessions`;
    expect(await auth.sessionOf(ada.headers)).not.toBeNull();
    expect(logged()).not.toMatch(/session-token=|@example/);
  });
});
