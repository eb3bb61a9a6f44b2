import { DEFS_URI, type JsonSchema, type SchemaBundle } from "./types";

/**
 * The smallest valid instance of a schema: null where allowed, empty lists, the first value of an enum,
 * zero. Simulated objects start from it, so a field that Stripe adds is never missing.
 */
export class Skeletons {
  private readonly known = new Map<string, unknown>();

  constructor(private readonly bundle: SchemaBundle) {}

  /** A fresh instance of a named definition, for example `Customers:Customer`. */
  of(definition: string): Record<string, unknown> {
    if (!this.known.has(definition)) {
      const schema = this.bundle.$defs[definition];
      if (!schema) throw new Error(`The stripe package declares no ${definition}`);
      this.known.set(definition, this.instance(schema));
    }
    return structuredClone(this.known.get(definition)) as Record<string, unknown>;
  }

  private instance(schema: JsonSchema): unknown {
    if (typeof schema.$ref === "string") return this.instance(this.resolve(schema.$ref));
    if ("const" in schema) return schema.const;
    if (Array.isArray(schema.enum)) return schema.enum[0];
    if (Array.isArray(schema.anyOf)) return this.simplest(schema.anyOf as JsonSchema[]);
    switch (schema.type) {
      case "string":
        return "";
      case "number":
      case "integer":
        return 0;
      case "boolean":
        return false;
      case "array":
        return [];
      case "object":
        return this.object(schema);
      default:
        return schema.type === "null" ? null : {};
    }
  }

  private simplest(branches: JsonSchema[]): unknown {
    if (branches.some((branch) => branch.type === "null")) return null;
    if (branches.some((branch) => branch.type === "string")) return "";
    return this.instance(branches[0]!);
  }

  private object(schema: JsonSchema): Record<string, unknown> {
    const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
    const required = (schema.required ?? []) as string[];
    return Object.fromEntries(
      required.map((name) => [name, name === "metadata" ? {} : this.instance(properties[name] ?? {})]),
    );
  }

  private resolve(ref: string): JsonSchema {
    return this.bundle.$defs[decodeURIComponent(ref.slice(DEFS_URI.length))] ?? {};
  }
}
