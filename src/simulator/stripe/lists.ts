import { invalidRequest, noSuch } from "./errors";

interface ListParams {
  limit?: number;
  starting_after?: string;
  ending_before?: string;
  created?: number | { gt?: number; gte?: number; lt?: number; lte?: number };
}

interface ListBody<T> {
  object: "list";
  data: T[];
  has_more: boolean;
  url: string;
}

export function listBody<T>(url: string, data: T[], hasMore = false): ListBody<T> {
  return { object: "list", data, has_more: hasMore, url };
}

function isWithin(created: number, range: ListParams["created"]): boolean {
  if (range === undefined) return true;
  if (typeof range === "number") return created === range;
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
  return created > gt && created >= gte && created < lt && created <= lte;
}

function positionOf(objects: Array<{ id: string }>, id: string, param: string): number {
  const index = objects.findIndex((object) => object.id === id);
  if (index < 0) throw noSuch("object", id, param);
  return index;
}

/**
 * One page of a list that is sorted newest first.
 * @throws StripeApiError 400 for a limit outside 1–100 or an unknown cursor.
 */
export function listPage<T extends { id: string; created?: number }>(
  url: string,
  objects: T[],
  params: ListParams,
  matches: (object: T) => boolean = () => true,
): ListBody<T> {
  const limit = params.limit ?? 10;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw invalidRequest("Limit must be a whole number from 1 to 100.", "limit", "parameter_invalid_integer");
  }
  const isWanted = (object: T) => isWithin(object.created ?? 0, params.created) && matches(object);
  if (params.ending_before) {
    const newer = objects
      .slice(0, positionOf(objects, params.ending_before, "ending_before"))
      .filter(isWanted);
    return listBody(url, newer.slice(-limit), newer.length > limit);
  }
  const start = params.starting_after ? positionOf(objects, params.starting_after, "starting_after") + 1 : 0;
  const older = objects.slice(start).filter(isWanted);
  return listBody(url, older.slice(0, limit), older.length > limit);
}

/** A filter for fields that must equal a parameter when it is given. */
export function equals<T extends object>(
  params: object,
  ...fields: Array<keyof T & string>
): (object: T) => boolean {
  const wanted = params as Record<string, unknown>;
  return (object) => fields.every((field) => wanted[field] === undefined || object[field] === wanted[field]);
}
