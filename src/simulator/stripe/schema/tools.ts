import { loadSchemaBundle } from "./bundle";
import { Skeletons } from "./skeleton";
import { SchemaValidator } from "./validator";

/** What a simulator needs of the schemas. Stateless, so all simulators of a process share it. */
export interface SchemaTools {
  apiVersion: string;
  validator: SchemaValidator;
  skeletons: Skeletons;
}

const shared = new Map<string, Promise<SchemaTools>>();

async function load(schemaDir: string): Promise<SchemaTools> {
  const bundle = await loadSchemaBundle(schemaDir);
  return {
    apiVersion: bundle.apiVersion,
    validator: new SchemaValidator(bundle),
    skeletons: new Skeletons(bundle),
  };
}

/** Loads or generates the schemas once per process; compiled validators are kept. */
export function loadSchemaTools(schemaDir: string): Promise<SchemaTools> {
  const known = shared.get(schemaDir);
  if (known) return known;
  const loading = load(schemaDir);
  shared.set(schemaDir, loading);
  loading.catch(() => shared.delete(schemaDir));
  return loading;
}
