import { Skeleton, Stack } from "@mantine/core";
import { CardsSkeleton } from "@/components/skeletons";

export default function Loading() {
  return (
    <Stack gap="xl">
      <Stack gap="sm">
        <Skeleton height={26} width={180} />
        <Skeleton height={14} width="55%" />
      </Stack>
      <CardsSkeleton />
    </Stack>
  );
}
