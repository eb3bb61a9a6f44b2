/** A clock that stands still until a test moves it. */
export class TestClock {
  #now: Date;

  constructor(start = "2026-03-02T09:00:00.000Z") {
    this.#now = new Date(start);
  }

  now = (): Date => new Date(this.#now);

  set(instant: string | Date): void {
    this.#now = new Date(instant);
  }

  advance({
    days = 0,
    hours = 0,
    minutes = 0,
    seconds = 0,
  }: {
    days?: number;
    hours?: number;
    minutes?: number;
    seconds?: number;
  }): void {
    const totalSeconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    this.#now = new Date(this.#now.getTime() + totalSeconds * 1_000);
  }
}
