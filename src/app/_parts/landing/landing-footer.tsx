import { Anchor, Box, Container, Group, Text } from "@mantine/core";
import { site } from "@/config/site";
import classes from "./landing.module.css";

export function LandingFooter() {
  return (
    <Box component="footer" className={classes.footer}>
      <Container size="lg" py="xl">
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            {site.name}. {site.tagline}
          </Text>
          <Anchor size="sm" href={`mailto:${site.supportEmail}`}>
            Contact
          </Anchor>
        </Group>
      </Container>
    </Box>
  );
}
