import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type MailCatcher, startMailCatcher } from "@/simulator/mail/catcher";
import { type CaughtMail, MailStore } from "@/simulator/mail/store";

let folder: string;
let stateFile: string;
let catcher: MailCatcher;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tollgate mail "));
  stateFile = path.join(folder, "mail.json");
  catcher = await startMailCatcher({ stateFile });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await catcher.close();
  await rm(folder, { recursive: true, force: true });
});

async function send(mail: { to: string; bcc?: string; subject: string; text?: string; html?: string }) {
  const transport = createTransport(catcher.smtpUrl);
  await transport.sendMail({ from: "Tollgate <hello@tollgate.test>", ...mail });
  transport.close();
}

async function messages(query = ""): Promise<CaughtMail[]> {
  const response = await fetch(`${catcher.url}/api/messages${query}`);
  const body: { messages: CaughtMail[] } = await response.json();
  return body.messages;
}

const signIn = {
  to: "Ada@Example.com",
  subject: "Sign in — ✓",
  text: "Open http://localhost:3000/verify?token=abc&email=ada",
  html: '<p>Hello</p><a href="http://localhost:3000/verify?token=abc&amp;email=ada">Sign in</a><script>alert(1)</script>',
};

describe("the JSON endpoint", () => {
  test("gives back a mail sent over SMTP, with its links ready to follow", async () => {
    await send(signIn);
    expect(await messages("?to=ada@example.com")).toMatchObject([
      {
        from: "Tollgate <hello@tollgate.test>",
        to: ["ada@example.com"],
        subject: "Sign in — ✓",
        links: ["http://localhost:3000/verify?token=abc&email=ada"],
      },
    ]);
  });

  test("finds mail by recipient, newest first, blind copies included", async () => {
    await send({ to: "a@example.com", subject: "one", text: "1" });
    await send({ to: "b@example.com", bcc: "a@example.com", subject: "two", text: "2" });
    await send({ to: "c@example.com", subject: "three", text: "3" });
    expect((await messages("?to=A@example.com")).map((mail) => mail.subject)).toEqual(["two", "one"]);
    expect((await messages("?limit=1")).map((mail) => mail.subject)).toEqual(["three"]);
    expect(await messages("?to=nobody@example.com")).toEqual([]);
  });

  test("DELETE empties it, and a restart keeps it empty", async () => {
    await send(signIn);
    const response = await fetch(`${catcher.url}/api/messages`, { method: "DELETE" });
    expect(response.status).toBe(204);
    expect(await messages()).toEqual([]);
    await catcher.close();
    catcher = await startMailCatcher({ stateFile });
    expect(await messages()).toEqual([]);
  });
});

test("mails survive a restart, up to the newest 200", async () => {
  await send({ to: "b@example.com", subject: "first", text: "." });
  await catcher.close();
  const store = await MailStore.open(stateFile);
  expect(store.list()).toMatchObject([{ subject: "first" }]);
  for (let n = 1; n <= 202; n++) {
    await store.add(Buffer.from(`Subject: mail ${n}\r\n\r\n.`), {
      from: "a@tollgate.test",
      to: ["b@example.com"],
    });
  }
  catcher = await startMailCatcher({ stateFile });
  const kept = await messages();
  expect(kept).toHaveLength(200);
  expect([kept.at(0)?.subject, kept.at(-1)?.subject]).toEqual(["mail 202", "mail 3"]);
});

describe("the page", () => {
  test("lists the mail and opens it, escaping what senders write", async () => {
    await send({ ...signIn, subject: '<img src=x onerror="alert(1)">' });
    const [mail] = await messages();
    for (const page of ["/", `/messages/${mail?.id}`]) {
      const html = await (await fetch(catcher.url + page)).text();
      expect(html).toContain("ada@example.com");
      expect(html).toContain("&lt;img src=x");
      expect(html).not.toContain("<img");
    }
  });

  test("a mail's HTML can run no script and reach nothing of the page", async () => {
    await send(signIn);
    const [mail] = await messages();
    const page = await (await fetch(`${catcher.url}/messages/${mail?.id}`)).text();
    expect(page).toMatch(/<iframe[^>]* sandbox="allow-popups allow-popups-to-escape-sandbox"/);
    const framed = await fetch(`${catcher.url}/messages/${mail?.id}/html`);
    const policy = framed.headers.get("content-security-policy");
    expect(policy).toMatch(/^sandbox (?!.*allow-scripts)(?!.*allow-same-origin)/);
    expect(policy).toContain("default-src 'none'");
  });

  test("an unknown message is a 404", async () => {
    expect((await fetch(`${catcher.url}/messages/none`)).status).toBe(404);
  });
});

describe("who may use it", () => {
  test("a page that reaches it under a foreign host name reads nothing", async () => {
    await send(signIn);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: "evil.example" };
      request(`${catcher.url}/api/messages`, { headers }, (response) => resolve(response.resume().statusCode))
        .once("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("production is refused", async () => {
    vi.stubEnv("NODE_ENV", "production");
    await expect(startMailCatcher()).rejects.toThrow("SMTP_URL");
  });

  test("a taken port fails the start and leaves the other port free", async () => {
    const smtpPort = Number(new URL(catcher.smtpUrl).port);
    const httpPort = Number(new URL(catcher.url).port);
    await expect(startMailCatcher({ smtpPort })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await catcher.close();
    const blocker = await startMailCatcher({ httpPort });
    await expect(startMailCatcher({ smtpPort, httpPort })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await blocker.close();
    catcher = await startMailCatcher({ smtpPort, httpPort });
    expect(catcher.smtpUrl).toContain(String(smtpPort));
  });
});
