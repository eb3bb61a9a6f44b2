import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { finished, type Service } from "./services";

/**
 * Runs another file of src/commands/ to its end, with the variables of the services before it, as a person would.
 * What it prints last becomes its line; what it prints when it fails becomes the error.
 */
export function command(name: string, file: string, args: string[] = []): Service {
  return {
    name,
    start: async (environment, signal) => {
      const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
        env: environment as NodeJS.ProcessEnv,
        stdio: ["ignore", "pipe", "pipe"],
        signal,
      });
      const exitCode = new Promise<number | null>((resolve, reject) => {
        child.once("error", reject).once("close", resolve);
      });
      const [code, output, errors] = await Promise.all([exitCode, text(child.stdout), text(child.stderr)]);
      if (code !== 0) throw new Error(`${file} ended with ${code}.\n${errors || output}`.trim());
      return finished(output.trim().split("\n").at(-1) || "done");
    },
  };
}
