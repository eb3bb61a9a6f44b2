import { TableTbody, TableTd, TableTh, TableThead, TableTr, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconMinus } from "@tabler/icons-react";
import { Fragment } from "react";
import { WideTable } from "@/components/wide-table";
import type { Limit } from "@/lib/price-list";
import type { FeatureOffer, Offers } from "@/server/orders/offers";
import { limitCell } from "./limit-words";
import classes from "./pricing.module.css";

const GROUPS = ["Usage", "Limits", "Features"] as const;
const GROUP_OF: Record<FeatureOffer["kind"], (typeof GROUPS)[number]> = {
  meter: "Usage",
  level: "Limits",
  lease: "Limits",
  cap: "Limits",
  pooled: "Limits",
  flag: "Features",
};

/** Every feature of every plan. */
export function Comparison({ offers }: { offers: Offers }) {
  return (
    <WideTable label="Plans compared" minWidth={680} layout="fixed">
      <TableThead>
        <TableTr>
          <TableTh className={classes.feature}>
            <VisuallyHidden>Feature</VisuallyHidden>
          </TableTh>
          {offers.plans.map((plan) => (
            <TableTh key={plan.id} scope="col">
              {plan.name}
            </TableTh>
          ))}
        </TableTr>
      </TableThead>
      <TableTbody>
        {GROUPS.map((title) => (
          <Fragment key={title}>
            <TableTr>
              <TableTh className={classes.group} colSpan={offers.plans.length + 1} scope="colgroup">
                {title}
              </TableTh>
            </TableTr>
            {offers.features
              .filter((feature) => GROUP_OF[feature.kind] === title)
              .map((feature) => (
                <FeatureRow key={feature.id} feature={feature} offers={offers} />
              ))}
          </Fragment>
        ))}
      </TableTbody>
    </WideTable>
  );
}

function FeatureRow({ feature, offers }: { feature: FeatureOffer; offers: Offers }) {
  return (
    <TableTr>
      <TableTh className={classes.feature} scope="row">
        {feature.name}
      </TableTh>
      {offers.plans.map((plan) => (
        <TableTd key={plan.id}>
          <Cell feature={feature} limit={plan.limits[feature.id]} />
        </TableTd>
      ))}
    </TableTr>
  );
}

function Cell({ feature, limit }: { feature: FeatureOffer; limit: Limit | undefined }) {
  if (feature.kind !== "flag") return limitCell(feature, limit);
  const Icon = limit ? IconCheck : IconMinus;
  return (
    <>
      <Icon size={17} aria-hidden className={limit ? classes.tick : classes.none} />
      <VisuallyHidden>{limit ? "Included" : "Not included"}</VisuallyHidden>
    </>
  );
}
