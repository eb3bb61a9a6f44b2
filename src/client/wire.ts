/**
 * The client's only tie to the server: types, nothing that runs. In another repository, point these three imports at
 * a checkout of the app (or a package made of it); every type of the client follows from them.
 */
import type { FeatureId } from "@/config/plans";
import type { AppErrorCode, Denial } from "@/server/errors";
import type { Inputs, Outputs } from "@/server/root";

export type { Denial, FeatureId };
export type ErrorCode = AppErrorCode;

type Quota = Inputs["quota"];
export type Verb = keyof Quota;
export type Answer<V extends Verb> = Outputs["quota"][V];

/** What a verb takes, with feature ids that the compiler knows. */
export type Asked<V extends Verb> = WithFeature<Exclude<Quota[V], void>>;
type WithFeature<I> = I extends { feature: string } ? Omit<I, "feature"> & { feature: FeatureId } : I;
