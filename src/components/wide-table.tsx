"use client";

import { Table, type TableProps, TableScrollContainer } from "@mantine/core";

interface WideTableProps extends TableProps {
  /** Names the table for those who can't see it. */
  label: string;
  /** Below this width, in pixels, it scrolls sideways, by keyboard too. */
  minWidth: number;
}

export function WideTable({ label, minWidth, children, ...rest }: WideTableProps) {
  return (
    <TableScrollContainer
      minWidth={minWidth}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": label } }}
    >
      <Table verticalSpacing="sm" {...rest}>
        {children}
      </Table>
    </TableScrollContainer>
  );
}
