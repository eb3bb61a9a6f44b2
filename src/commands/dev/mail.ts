import { oneClock } from "@/server/one-clock";
import { startMailCatcher } from "@/simulator/mail/catcher";
import { finished, type Service } from "./services";

/** Mail: the server of SMTP_URL, or a catcher that shows every mail on a page. */
export function mail(ports: { smtp: number; mailbox: number }, stateFile: string): Service {
  return {
    name: "Mail",
    start: async (environment) => {
      if (environment.SMTP_URL) return finished(`${new URL(environment.SMTP_URL).host} (SMTP_URL)`);
      const { now } = environment.TOLLGATE_CLOCK ? oneClock(environment.TOLLGATE_CLOCK) : {};
      const catcher = await startMailCatcher({
        smtpPort: ports.smtp,
        httpPort: ports.mailbox,
        stateFile,
        now,
      });
      const env = { SMTP_URL: catcher.smtpUrl, MAILBOX_URL: catcher.url };
      return { line: `${catcher.url} (mailbox)`, env, stop: catcher.close };
    },
  };
}
