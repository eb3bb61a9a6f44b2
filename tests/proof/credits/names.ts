/** What the engine calls a thing that the model calls by the call that made it. */
export class Names {
  readonly #ids = new Map<string, string>();
  readonly #tags = new Map<string, string>();

  idOf(tag: string): string {
    return this.#ids.get(tag) ?? tag;
  }

  /** A lot's source as the engine has it. */
  sourceOf(source: string): string {
    return source.replace(/^order:([^:]+)/, (_, tag) => `order:${this.idOf(tag)}`);
  }

  /** And as the model has it. */
  modelSourceOf(source: string): string {
    return source.replace(/^order:([^:]+)/, (_, id) => `order:${this.#tags.get(id) ?? id}`);
  }

  give(tag: string, id: string): void {
    this.#ids.set(tag, id);
    this.#tags.set(id, tag);
  }
}
