import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import PostalMime from "postal-mime";

const MAX_MESSAGES = 200;

/** One caught mail, as the page and the JSON endpoint show it. */
export interface CaughtMail {
  id: string;
  /** ISO instant. */
  receivedAt: string;
  from: string;
  /** The addresses of the envelope: who would have got it, blind copies included. */
  to: string[];
  subject: string;
  text: string;
  html: string;
  /** Every web address in the mail, in order of appearance. */
  links: string[];
  /** By name in lower case, such as `message-id`. */
  headers: Record<string, string>;
}

/** The caught mails, newest first, kept in `stateFile` where one is given. */
export class MailStore {
  #messages: CaughtMail[] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly stateFile: string | undefined,
    private readonly now: () => Date,
  ) {}

  static async open(stateFile?: string, now = () => new Date()): Promise<MailStore> {
    const store = new MailStore(stateFile, now);
    if (stateFile) {
      const saved = await readFile(stateFile, "utf8").catch(() => "[]");
      store.#messages = parseSaved(saved);
    }
    return store;
  }

  list(filter: { to?: string; limit?: number } = {}): CaughtMail[] {
    const to = filter.to?.toLowerCase();
    const found = to ? this.#messages.filter((mail) => mail.to.includes(to)) : this.#messages;
    return found.slice(0, filter.limit ?? MAX_MESSAGES);
  }

  find(id: string): CaughtMail | undefined {
    return this.#messages.find((mail) => mail.id === id);
  }

  /** Keeps a mail as it came over SMTP; resolves when it is on disk. */
  async add(raw: Buffer, envelope: { from: string; to: string[] }): Promise<CaughtMail> {
    const email = await PostalMime.parse(raw);
    const text = email.text ?? "";
    const html = email.html ?? "";
    const mail: CaughtMail = {
      id: crypto.randomUUID(),
      receivedAt: this.now().toISOString(),
      from: email.from?.address ? describe(email.from.name, email.from.address) : envelope.from,
      to: envelope.to.map((address) => address.toLowerCase()),
      subject: email.subject ?? "(no subject)",
      text,
      html,
      links: findLinks(html, text),
      headers: Object.fromEntries(email.headers.map(({ key, value }) => [key.toLowerCase(), value])),
    };
    this.#messages = [mail, ...this.#messages].slice(0, MAX_MESSAGES);
    await this.#save();
    return mail;
  }

  async clear(): Promise<void> {
    this.#messages = [];
    await this.#save();
  }

  async #save(): Promise<void> {
    const file = this.stateFile;
    if (!file) return;
    this.#writing = this.#writing.then(async () => {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(`${file}.new`, JSON.stringify(this.#messages), { mode: 0o600 });
      await rename(`${file}.new`, file);
    });
    await this.#writing;
  }
}

function parseSaved(saved: string): CaughtMail[] {
  try {
    const parsed: unknown = JSON.parse(saved);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

function describe(name: string, address: string): string {
  return name ? `${name} <${address}>` : address;
}

function findLinks(html: string, text: string): string[] {
  const inHtml = [...html.matchAll(/\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)].map((match) =>
    (match[1] ?? match[2] ?? "").replaceAll("&amp;", "&"),
  );
  const inText = [...text.matchAll(/https?:\/\/[^\s<>"')\]]+/g)].map((match) => match[0]);
  return [...new Set([...inHtml, ...inText])].filter((link) => /^https?:\/\//.test(link));
}
