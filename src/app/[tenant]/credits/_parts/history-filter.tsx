"use client";

import { Button, Group, Select, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useWorkspace } from "../../_parts/workspace-context";
import { GROUPS, type Group as MovementGroup } from "./movement-words";

export interface Filter {
  group: MovementGroup | null;
  /** `2026-11-21`; empty: no bound. */
  from: string;
  to: string;
}

export const EVERYTHING: Filter = { group: null, from: "", to: "" };

export function isFiltered({ group, from, to }: Filter): boolean {
  return group !== null || from !== "" || to !== "";
}

/** As the server is asked. */
export function queryOf({ group, from, to }: Filter) {
  return { group: group ?? undefined, from: from || undefined, to: to || undefined };
}

interface HistoryFilterProps {
  filter: Filter;
  onChange: (filter: Filter) => void;
}

export function HistoryFilter({ filter, onChange }: HistoryFilterProps) {
  const { slug } = useWorkspace();
  const query = Object.entries(queryOf(filter)).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const file = `/api/workspaces/${slug}/credits.csv${query.length > 0 ? `?${new URLSearchParams(query)}` : ""}`;
  return (
    <Group align="flex-end" gap="sm">
      <Select
        label="Kind"
        data={GROUPS}
        value={filter.group}
        onChange={(group) => onChange({ ...filter, group })}
        placeholder="Everything"
        clearable
        clearButtonProps={{ "aria-label": "Every kind" }}
        w={{ base: "100%", xs: 170 }}
      />
      <Day label="From" value={filter.from} onChange={(from) => onChange({ ...filter, from })} />
      <Day label="To" value={filter.to} onChange={(to) => onChange({ ...filter, to })} />
      <Button
        component="a"
        href={file}
        variant="default"
        ml={{ sm: "auto" }}
        leftSection={<IconDownload size={16} aria-hidden />}
      >
        Download CSV
      </Button>
    </Group>
  );
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  return (
    <TextInput
      type="date"
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      w={{ base: "calc(50% - 6px)", xs: 150 }}
    />
  );
}
