"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { TimeInput } from "@/server/time/inputs";
import type { TimeWire } from "@/server/time/request";

const KEY = ["time"];
const MOVING_MS = 1_500;
const RESTING_MS = 5_000;

export type State = TimeWire["state"];
export type Moment = TimeWire["moments"][number];

/** How many moments are looked at, and of which workspace; empty: of all; null: nobody chose yet. */
interface Shown {
  limit: number;
  of: string | null;
}

/** How the machine stands and what happened, looked at again and again; and a way to give it an order. */
export function useTime(shown: Shown) {
  const client = useQueryClient();
  const key = [...KEY, shown];
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: () => ask(shown),
    refetchInterval: ({ state }) => (state.data?.state.moving ? MOVING_MS : RESTING_MS),
    placeholderData: (before) => before,
  });
  const {
    mutate,
    isPending,
    error: refusal,
  } = useMutation({
    mutationFn: (order: TimeInput) => ask(shown, order),
    onSuccess: (answer) => client.setQueryData(key, answer),
  });
  return { data, error: refusal ?? error, order: mutate, isAsking: isPending };
}

async function ask({ limit, of }: Shown, order?: TimeInput): Promise<TimeWire> {
  const sent = order
    ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) }
    : {};
  const asked = new URLSearchParams({ limit: String(limit), ...(of !== null && { of }) });
  const response = await fetch(`/dev/time/api?${asked}`, sent);
  const answer = (await response.json()) as TimeWire | { error: string };
  if ("error" in answer) throw new Error(answer.error);
  return answer;
}
