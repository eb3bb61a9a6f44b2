import { api, dataOf, errorOf, ORIGIN } from "@tests/http/edge";
import { beforeEach, describe, expect, test } from "vitest";
import { world } from "../support/world";
import { trialsAddUp, withTrial } from "./stage";

const scene = await world({ prices: withTrial({ credits: 5, perNetworkPerDay: 2 }) });
const { owner, runtime } = scene;
trialsAddUp(scene);
const page = { origin: ORIGIN };

beforeEach(async () => {
  await owner`truncate trials, trial_spends, trial_networks, trial_days`;
});

/** A browser that keeps what it is given, behind the operator's proxy, which adds the address it sees. */
class Browser {
  #cookie = "";

  constructor(
    private readonly address: string | null,
    private readonly server = api(runtime),
  ) {}

  clearCookies(): void {
    this.#cookie = "";
  }

  get cookie(): string {
    return this.#cookie;
  }

  standing = (headers: Record<string, string> = {}) =>
    this.server.get("trials.standing", this.#headers(headers));
  run = (units: number, key: string, headers: Record<string, string> = {}) =>
    this.server.post("trials.run", this.#headers(headers), { units, key });

  async start(headers: Record<string, string> = {}): Promise<Response> {
    const response = await this.server.post("trials.start", this.#headers(headers), {});
    const [line] = response.headers.getSetCookie();
    if (line) this.#cookie = line.split(";")[0]!;
    return response;
  }

  #headers(more: Record<string, string>): Record<string, string> {
    const told = more["x-forwarded-for"];
    const forwarded = [told, this.address].filter((one) => one !== null && one !== undefined).join(", ");
    const address: Record<string, string> = forwarded ? { "x-forwarded-for": forwarded } : {};
    return { ...page, cookie: this.#cookie, ...more, ...address };
  }
}

test("a visitor starts, spends, and is told 402 and why when nothing is left", async () => {
  const browser = new Browser("203.0.113.9");
  expect(await dataOf(await browser.standing())).toMatchObject({ state: "offered", remaining: 5 });
  const started = await browser.start();
  expect(started.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^tollgate\.trial=v1\.vis_\w{26}\.2026-03-02\.[\w-]{43}; .*HttpOnly; SameSite=Lax$/,
    ),
  ]);
  expect(await dataOf(started)).toMatchObject({ state: "open", remaining: 5 });
  expect(await dataOf(await browser.run(3, "a"))).toMatchObject({ remaining: 2, replayed: false });
  expect(await dataOf(await browser.run(3, "a"))).toMatchObject({ remaining: 2, replayed: true });
  const denied = await browser.run(3, "b");
  expect(denied.status).toBe(402);
  expect(await errorOf(denied)).toMatchObject({
    data: { appCode: "QUOTA_EXCEEDED", denial: { reason: "no_credits", missing: 1 } },
  });
  expect(await dataOf(await browser.standing())).toMatchObject({ state: "open", remaining: 2 });
});

test("starting again with the cookie changes nothing", async () => {
  const browser = new Browser("203.0.113.9");
  await browser.start();
  await browser.run(2, "a");
  const again = await browser.start();
  expect(again.headers.getSetCookie()).toEqual([]);
  expect(await dataOf(again)).toMatchObject({ remaining: 3 });
});

describe("the cap of a network holds", () => {
  async function startsOf(browser: Browser, headers: (at: number) => Record<string, string>) {
    const statuses: number[] = [];
    for (let at = 0; at < 10; at += 1) {
      browser.clearCookies();
      statuses.push((await browser.start(headers(at))).status);
    }
    return statuses.filter((status) => status === 200).length;
  }

  test("when cookies are cleared", async () => {
    expect(await startsOf(new Browser("203.0.113.9"), () => ({}))).toBe(2);
  });

  test.each([
    ["x-forwarded-for", (at: number) => ({ "x-forwarded-for": `198.51.100.${at}` })],
    [
      "a list in x-forwarded-for",
      (at: number) => ({ "x-forwarded-for": `10.0.0.1, 198.51.100.${at}, ::${at}` }),
    ],
    [
      "other headers",
      (at: number) => ({ "x-real-ip": `198.51.100.${at}`, forwarded: `for=198.51.100.${at}` }),
    ],
    [
      "a CDN's headers",
      (at: number) => ({ "cf-connecting-ip": `198.51.100.${at}`, "true-client-ip": `::${at}` }),
    ],
    ["the browser's name", (at: number) => ({ "user-agent": `browser ${at}`, "accept-language": `l${at}` })],
    [
      "made-up cookies",
      (at: number) => ({ cookie: `tollgate.trial=v1.vis_${"0".repeat(25)}${at}.2026-03-02.x` }),
    ],
  ])("when %s is forged", async (_what, headers) => {
    expect(await startsOf(new Browser("203.0.113.9"), headers)).toBe(2);
  });

  test("when the address changes within a /64", async () => {
    const starts = Array.from({ length: 10 }, (_, at) => new Browser(`2001:db8:1:2::${at}`).start());
    const statuses = (await Promise.all(starts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  });

  test("when no proxy tells addresses: all visitors are one network, whatever they say of themselves", async () => {
    const untold = api({ ...runtime, clientAddressHeader: null });
    const claims = (at: number) => ({ "x-forwarded-for": `198.51.100.${at}` });
    expect(await startsOf(new Browser(null, untold), claims)).toBe(2);
  });

  test("when the proxy was walked around, or tells nonsense", async () => {
    expect(await startsOf(new Browser(null), () => ({}))).toBe(2);
    expect(await startsOf(new Browser("unknown"), () => ({}))).toBe(0);
  });
});

test("a refusal is a 429 that says what to do, and sets no cookie", async () => {
  const browser = new Browser("203.0.113.9");
  for (let at = 0; at < 2; at += 1) {
    browser.clearCookies();
    await browser.start();
  }
  browser.clearCookies();
  const refused = await browser.start();
  expect([refused.status, refused.headers.getSetCookie()]).toEqual([429, []]);
  expect(await errorOf(refused)).toMatchObject({
    message: "No more trials can be started from your network today.",
    data: { appCode: "RATE_LIMITED", advice: "Sign up for free, or come back tomorrow." },
  });
});

test("another's trial is nobody's without its cookie, and a forged one spends nothing", async () => {
  const ada = new Browser("203.0.113.9");
  await ada.start();
  const stranger = new Browser("203.0.113.10");
  expect((await stranger.run(1, "a")).status).toBe(404);
  for (const cookie of [`${ada.cookie}x`, ada.cookie.slice(0, -1), ada.cookie.replace("v1", "v2")]) {
    expect((await stranger.run(1, "a", { cookie })).status).toBe(404);
    expect(await dataOf(await stranger.standing({ cookie }))).toMatchObject({ state: "offered" });
  }
  expect(await dataOf(await ada.standing())).toMatchObject({ remaining: 5 });
});

test("another site's page can't start or spend a visitor's trial", async () => {
  const ada = new Browser("203.0.113.9");
  await ada.start();
  const elsewhere = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  expect((await ada.run(1, "a", elsewhere)).status).toBe(403);
  expect((await ada.start(elsewhere)).status).toBe(403);
  expect(await dataOf(await ada.standing())).toMatchObject({ remaining: 5 });
});
