/** What the engine calls a thing that the model calls by the call that made it. */
export class Names {
  readonly #ids = new Map<string, string>();

  idOf(tag: string): string {
    return this.#ids.get(tag) ?? tag;
  }

  give(tag: string, id: string): void {
    this.#ids.set(tag, id);
  }
}
