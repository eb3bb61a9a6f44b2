"use client";

import { Alert, Grid, GridCol, Stack } from "@mantine/core";
import { useState } from "react";
import { FactList } from "@/components/fact-list";
import { FailureAlert } from "@/components/failure-alert";
import { LinesSkeleton } from "@/components/skeletons";
import { Moves } from "./moves";
import { Stories } from "./stories";
import { Timeline } from "./timeline";
import { useTime } from "./use-time";

const FIRST = 200;
const MOST = 1_000;

/** The clock and what moves it on one side, what happened on the other. */
export function TimePanel() {
  const [limit, setLimit] = useState(FIRST);
  const [chosen, choose] = useState<string | null>(null);
  const { data, error, order, isAsking } = useTime({ limit, of: chosen });
  if (!data) return error ? <FailureAlert error={error} /> : <LinesSkeleton lines={8} />;
  const { state, moments, workspaces, of } = data;
  const isBusy = isAsking || state.moving !== null;
  const more = moments.length >= limit && limit < MOST ? () => setLimit(MOST) : undefined;
  return (
    <Grid gap="lg">
      <GridCol span={{ base: 12, md: 5 }}>
        <Stack gap="lg">
          <FailureAlert error={error} />
          {state.failures.length > 0 && (
            <Alert color="yellow" title="On the last move not everything went through" role="alert">
              <FactList facts={state.failures.slice(0, 5)} />
            </Alert>
          )}
          <Moves state={state} isBusy={isBusy} order={order} />
          <Stories state={state} isBusy={isBusy} order={order} />
        </Stack>
      </GridCol>
      <GridCol span={{ base: 12, md: 7 }}>
        <Timeline moments={moments} workspaces={workspaces} of={chosen ?? of} choose={choose} more={more} />
      </GridCol>
    </Grid>
  );
}
