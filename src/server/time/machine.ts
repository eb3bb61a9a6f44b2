import { logError } from "@/lib/log";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type TimeInput, timeInput } from "./inputs";
import { aimOf, type Due, type Wish } from "./rules";
import { stories } from "./stories";
import { openStory, playStep, type Story } from "./story";
import { nextDue, travel, type World } from "./travel";

export interface MachineState {
  now: Date;
  /** null while it moves: it changes with every stop. */
  next: Due | null;
  /** A move under way: where it began, and where it will end if that is known. */
  moving: { from: Date; to: Date | null } | null;
  /** What went wrong on the last move. */
  failures: readonly string[];
  stories: readonly { id: string; title: string; description: string }[];
  /** The story that was begun last, and how many of its steps were played. */
  story: { id: string; slug: string; steps: readonly string[]; played: number } | null;
}

interface Telling {
  story: Story;
  ctx: TenantCtx;
  played: number;
}

/** Moves everybody's clock, one move at a time. Moves go on when the page that asked for them is closed. */
export class TimeMachine {
  #moving: { from: Date; to: Date | null; stop: AbortController; done: Promise<void> } | null = null;
  #failures: string[] = [];
  #telling: Telling | null = null;

  constructor(readonly world: World) {}

  async state(): Promise<MachineState> {
    const { ctx } = this.world;
    const moving = this.#moving && { from: this.#moving.from, to: this.#moving.to };
    return {
      now: ctx.now(),
      next: moving ? null : await nextDue(this.world),
      moving,
      failures: this.#failures,
      stories: stories.map(({ id, title, description }) => ({ id, title, description })),
      story: this.#telling && told(this.#telling),
    };
  }

  /**
   * Begins what is asked for and does not wait for its end; `stop` waits for the step under way.
   * @param userId whose workspace a story is played in; null: nobody is signed in
   * @throws AppError INVALID_INPUT, CONFLICT (it is moving already, or there is no story to go on with)
   */
  async order(input: TimeInput, userId: string | null): Promise<void> {
    const order = parseInput(timeInput, input);
    if (order.do === "stop") return this.#stop();
    if (this.#moving) throw new AppError("CONFLICT", "Time is moving already.");
    if (order.do === "move") return this.#move(order.wish);
    if (order.do === "begin") return this.#begin(order.story, userId);
    return this.#play(order.all);
  }

  /** Resolves when nothing moves any more. */
  async atRest(): Promise<void> {
    await this.#moving?.done;
  }

  async #move(wish: Wish): Promise<void> {
    const { ctx } = this.world;
    const aim = aimOf(ctx.now(), wish, "next" in wish ? await nextDue(this.world) : null);
    if (!aim)
      throw new AppError("INVALID_INPUT", "Time goes forward, up to five years, and to what is to come.");
    this.#run(aim, async (signal) => {
      const { failures } = await travel(this.world, aim, { signal });
      this.#failures.push(...failures);
    });
  }

  async #begin(id: string, userId: string | null): Promise<void> {
    const story = stories.find((one) => one.id === id);
    if (!story) throw new AppError("INVALID_INPUT", "There is no such story.");
    this.#run(null, async (signal) => {
      this.#telling = { story, ctx: await openStory(this.world, story, userId), played: 0 };
      await this.#playNext(this.#telling, signal);
    });
  }

  async #play(all: boolean): Promise<void> {
    const telling = this.#telling;
    if (!telling || telling.played >= telling.story.steps.length)
      throw new AppError("CONFLICT", "There is no story to go on with.");
    this.#run(null, async (signal) => {
      do await this.#playNext(telling, signal);
      while (all && !signal.aborted && telling.played < telling.story.steps.length);
    });
  }

  async #playNext(telling: Telling, signal: AbortSignal): Promise<void> {
    const onFailures = (failures: string[]) => void this.#failures.push(...failures);
    const { story, ctx, played: step } = telling;
    await playStep(this.world, ctx, { story, step }, { signal, onFailures });
    telling.played += 1;
  }

  async #stop(): Promise<void> {
    this.#moving?.stop.abort();
    await this.atRest();
  }

  #run(to: Date | null, work: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    this.#failures = [];
    const done = work(stop.signal)
      .catch((error: unknown) => {
        logError("time machine", error);
        this.#failures.push(error instanceof Error ? error.message : String(error));
      })
      .finally(() => {
        this.#moving = null;
      });
    this.#moving = { from: this.world.ctx.now(), to, stop, done };
  }
}

const told = ({ story, ctx, played }: Telling): NonNullable<MachineState["story"]> => ({
  id: story.id,
  slug: ctx.tenant.slug,
  steps: story.steps.map(({ title }) => title),
  played,
});
