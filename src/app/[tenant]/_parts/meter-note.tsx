"use client";

import { Fragment } from "react";
import { formatDateTime, formatUnits } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { Outputs } from "@/server/root";
import { RunOut } from "./run-out";
import { useWorkspace } from "./workspace-context";

type Status = Outputs["quota"]["status"];

/** The line below a meter's bar: when it resets, what stands beside the allowance, and whether it lasts. */
export function MeterNote({ meter, currency }: { meter: Status["meters"][number]; currency: string }) {
  const { timeZone } = useWorkspace();
  const { kind, resetsAt, unit, extra, held, over, overageMinor, rule } = meter;
  const money = (amountMinor: number) => formatMoney({ amountMinor: BigInt(amountMinor), currency });
  const cap = rule.spendCapMinor === null ? "" : ` of ${money(rule.spendCapMinor)}`;
  const facts = [
    kind === "level" ? "Held at the same time" : "",
    kind === "lease" ? "Running at the same time" : "",
    kind === "meter" ? (resetsAt ? `Resets ${formatDateTime(resetsAt, timeZone)}` : "Never resets") : "",
    extra > 0 ? `${formatUnits(extra, unit)} more kept or given` : "",
    held > 0 ? `${formatUnits(held, unit)} set aside for work in progress` : "",
    overageMinor > 0 ? `${money(overageMinor)}${cap} overage` : "",
    over > 0 && overageMinor === 0 ? `${formatUnits(over, unit)} past the limit` : "",
  ].filter(Boolean);
  return (
    <>
      {facts.map((fact, index) => (
        <Fragment key={fact}>
          {index > 0 && " · "}
          {fact}
        </Fragment>
      ))}
      {kind === "meter" && meter.used > 0 && <RunOut feature={meter.feature} />}
    </>
  );
}
