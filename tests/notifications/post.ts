import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

export interface Arrived {
  to: string;
  messageId: string;
  subject: string;
}

/** What the server does with a mail to an address. `hangUp`: takes it, and is gone before it says so. */
export type Manner = "take" | "never" | "later" | "hangUp" | "hold";

/** A mail server with faults, over real SMTP. */
export class TestPost {
  /** Mails that came in whole, also those whose sender never heard of it. */
  readonly arrived: Arrived[] = [];
  /** By address; everybody else's are taken. */
  readonly manners = new Map<string, Manner>();
  /** Called with each mail that is held; `release` takes it. */
  onHeld: (release: () => void) => void = () => {};
  #server: SMTPServer;
  #port = 0;

  constructor() {
    this.#server = this.#create();
  }

  get smtpUrl(): string {
    return `smtp://127.0.0.1:${this.#port}`;
  }

  /** On the same port again after it was down. */
  async open(): Promise<void> {
    const { server } = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server = this.#create();
  }

  #manner(address: string): Manner {
    return this.manners.get(address) ?? "take";
  }

  #create(): SMTPServer {
    const answer = (responseCode: number) => Object.assign(new Error("Refused"), { responseCode });
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      disableReverseLookup: true,
      closeTimeout: 50,
      onRcptTo: ({ address }, _session, done) => {
        const manner = this.#manner(address);
        if (manner === "never") return done(answer(550));
        done(manner === "later" ? answer(451) : null);
      },
      onData: (stream, session, done) => {
        const to = session.envelope.rcptTo[0]?.address ?? "";
        void buffer(stream).then(async (raw) => {
          const mail = await PostalMime.parse(raw);
          this.arrived.push({ to, messageId: mail.messageId ?? "", subject: mail.subject ?? "" });
          const manner = this.#manner(to);
          if (manner === "hold") return this.onHeld(done);
          if (manner === "hangUp") return hangUp(server, session.id);
          done();
        });
      },
    });
    server.on("error", () => undefined);
    return server;
  }
}

function hangUp(server: SMTPServer, sessionId: string): void {
  const { connections } = server as unknown as {
    connections: Set<{ id: string; _socket: { destroy(): void } }>;
  };
  for (const connection of connections) if (connection.id === sessionId) connection._socket.destroy();
}
