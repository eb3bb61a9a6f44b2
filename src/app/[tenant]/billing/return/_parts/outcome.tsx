import { Group, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconClock, IconX } from "@tabler/icons-react";
import { TRPCError } from "@trpc/server";
import type { ReactNode } from "react";
import { formatCount, formatUnits } from "@/components/format";
import { LinkButton } from "@/components/link-button";
import { UsageBar } from "@/components/usage-bar";
import { AppError } from "@/server/errors";
import type { Outputs } from "@/server/root";
import { serverApi } from "@/trpc/server";
import { metersFirst } from "../../../_parts/meter-order";
import { CheckAgain } from "./check-again";

type View = Outputs["billing"]["completeReturn"];

/** Brings the workspace up to date with the payment, and says what came of it. */
export async function Outcome({ slug, sessionId }: { slug: string; sessionId: string }) {
  const { caller } = await serverApi(slug);
  try {
    const view = await caller.billing.completeReturn({ sessionId });
    return view.status === "paid" ? <Paid slug={slug} view={view} /> : <NotPaid slug={slug} view={view} />;
  } catch (error) {
    if (!(error instanceof TRPCError) || !(error.cause instanceof AppError)) throw error;
    return <Failed slug={slug} error={error.cause} />;
  }
}

async function Paid({ slug, view }: { slug: string; view: View }) {
  const { caller } = await serverApi(slug);
  const { meters } = await caller.quota.status();
  const { creditsBought: credits, plan, orderId } = view;
  const isLater = view.beginsAt !== null;
  const planBought = !isLater && (view.purpose === "subscription" || view.planBought !== null);
  const added = credits === null ? null : `${formatUnits(credits, "credit")} added`;
  return (
    <Message
      color="fern"
      icon={<IconCheck />}
      title={
        planBought ? `You are on ${plan.name}` : isLater ? `${view.planBought} is to come` : (added ?? "Paid")
      }
      text={
        credits === null
          ? isLater
            ? `${plan.name} goes on until then. When it begins stands on the billing page.`
            : "The new limits apply from now on."
          : `${planBought ? `${added}. ` : ""}${formatCount(view.creditsAvailable)} credits are available now.`
      }
    >
      {planBought && (
        <Stack gap="md" w="100%" my="sm">
          {metersFirst(meters)
            .slice(0, 4)
            .map(({ feature, name, used, limit, unit }) => (
              <UsageBar key={feature} name={name} used={used} limit={limit} unit={unit} />
            ))}
        </Stack>
      )}
      <Group justify="center">
        <LinkButton href={`/${slug}`}>To the overview</LinkButton>
        {orderId === null ? (
          <LinkButton href={`/${slug}/billing`} variant="default">
            See billing
          </LinkButton>
        ) : (
          <LinkButton href={`/${slug}/credits?order=${orderId}`} variant="default">
            See the receipt
          </LinkButton>
        )}
      </Group>
    </Message>
  );
}

const UNPAID = {
  processing: {
    icon: <IconClock />,
    title: "The payment is on its way",
    text: "Your bank is still working on it. What you bought is added as soon as it arrives.",
  },
  open: {
    icon: <IconClock />,
    title: "Not paid yet",
    text: "The checkout is still open. You can finish it, or go back and choose something else.",
  },
  expired: {
    icon: <IconX />,
    title: "This checkout is over",
    text: "It expired before it was paid. Nothing was charged.",
  },
} as const;

function NotPaid({ slug, view }: { slug: string; view: View }) {
  if (view.status === "paid") return null;
  const { icon, title, text } = UNPAID[view.status];
  return (
    <Message color="gray" icon={icon} title={title} text={text}>
      <Group justify="center">
        {view.status !== "expired" && <CheckAgain />}
        <LinkButton href={`/${slug}/billing`} variant="default">
          Back to billing
        </LinkButton>
      </Group>
    </Message>
  );
}

/** Codes of what may be over in a moment. */
const PASSING = new Set(["PAYMENT_PROVIDER", "BUSY"]);

function Failed({ slug, error }: { slug: string; error: AppError }) {
  const passing = PASSING.has(error.code);
  const text = passing ? "Nothing is lost: a payment that was made is found again." : "Nothing was changed.";
  return (
    <Message color="red" icon={<IconAlertTriangle />} title={error.message} text={error.advice ?? text}>
      <Group justify="center">
        {passing && <CheckAgain />}
        <LinkButton href={`/${slug}/billing`} variant="default">
          Back to billing
        </LinkButton>
      </Group>
    </Message>
  );
}

interface MessageProps {
  color: string;
  icon: ReactNode;
  title: string;
  text: string;
  children: ReactNode;
}

function Message({ color, icon, title, text, children }: MessageProps) {
  return (
    <Stack align="center" gap="md" py="md">
      <ThemeIcon size={52} radius="xl" color={color} variant="light">
        {icon}
      </ThemeIcon>
      <Stack gap={4} align="center">
        <Title order={1} fz="xl" ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center">
          {text}
        </Text>
      </Stack>
      {children}
    </Stack>
  );
}
