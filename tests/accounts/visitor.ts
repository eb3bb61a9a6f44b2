import { type Auth, createAuth, type Person } from "@/server/accounts/auth";
import type { Runtime } from "@/server/context";
import type { CaughtMail } from "@/simulator/mail/store";

const SECRET = "0123456789abcdef0123456789abcdef";

/** Sign-in as the app makes it, with mails going to `smtpUrl`. */
export function testAuth(
  runtime: Runtime,
  options: {
    smtpUrl: string;
    secret?: string;
    clientAddressHeader?: string;
    onSignIn?: (person: Person, headers: Headers) => Promise<void>;
  },
): Auth {
  return createAuth(runtime, {
    appName: "Tollgate",
    secret: options.secret ?? SECRET,
    smtpUrl: options.smtpUrl,
    mailFrom: "Tollgate <hello@app.test>",
    github: null,
    google: null,
    clientAddressHeader: options.clientAddressHeader ?? null,
    onSignIn: options.onSignIn ?? (async () => {}),
  });
}

/** A browser with one mailbox: keeps cookies, and posts as our own pages do. */
export class Visitor {
  readonly #cookies = new Map<string, string>();

  constructor(
    readonly auth: Auth,
    readonly email: string,
    private readonly mailboxUrl: string,
    private readonly origin = "http://app.test",
  ) {}

  get headers(): Headers {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return new Headers({ cookie });
  }

  /** Takes a cookie along, from its `Set-Cookie` line. */
  keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    this.#cookies.set(name, value);
  }

  async ask(callbackUrl?: string): Promise<CaughtMail> {
    await this.auth.sendLink({ email: this.email, callbackUrl, headers: this.headers });
    const [mail] = await this.mails();
    if (!mail) throw new Error(`No mail for ${this.email}`);
    return mail;
  }

  async mails(): Promise<CaughtMail[]> {
    const response = await fetch(
      `${this.mailboxUrl}/api/messages?to=${encodeURIComponent(this.email.toLowerCase())}`,
    );
    return ((await response.json()) as { messages: CaughtMail[] }).messages;
  }

  /** Presses the button of the page that the link leads to. */
  confirm(link: string): Promise<Response> {
    return this.post("callback/nodemailer", Object.fromEntries(new URL(link).searchParams));
  }

  async post(
    action: string,
    form: Record<string, string>,
    headers: Record<string, string> = { origin: this.origin },
  ): Promise<Response> {
    const all = this.headers;
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const url = `${this.origin}/api/auth/${action}`;
    return this.#remember(
      await this.auth.handle(
        new Request(url, { method: "POST", headers: all, body: new URLSearchParams(form) }),
      ),
    );
  }

  async get(pathAndQuery: string, method = "GET"): Promise<Response> {
    const url = `${this.origin}/api/auth/${pathAndQuery}`;
    return this.#remember(await this.auth.handle(new Request(url, { method, headers: this.headers })));
  }

  async signIn(callbackUrl?: string): Promise<Response> {
    return this.confirm(linkIn(await this.ask(callbackUrl)));
  }

  #remember(response: Response): Response {
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }
}

export function linkIn(mail: CaughtMail): string {
  const link = mail.links.find((one) => one.includes("/sign-in/confirm?"));
  if (!link) throw new Error(`No sign-in link in: ${mail.text}`);
  return link;
}
