import path from "node:path";
import { oneClock } from "@/server/one-clock";
import { finished, type Service } from "./services";

/**
 * The clock of everything that starts after it. It stays with the data: as far ahead as the time machine left it, and
 * running, also when a move was interrupted.
 */
export function clock(file: string): Service {
  return {
    name: "Clock",
    start: async () => {
      const shared = path.resolve(file);
      const { now, release } = oneClock(shared);
      release();
      return {
        ...finished(`${now().toISOString().slice(0, 16).replace("T", " ")} UTC`),
        env: { TOLLGATE_CLOCK: shared },
      };
    },
  };
}
