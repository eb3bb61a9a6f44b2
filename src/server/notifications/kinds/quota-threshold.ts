import { dayIn, featureName, pageUrl, type Template, unitsIn } from "../letter";

export const quotaThreshold: Template<"quota.threshold"> = {
  topic: "usage",
  write: ({ feature, percent, used, limit, windowStartsAt }, about) => {
    const name = featureName(about, feature);
    const isFull = percent >= 100;
    return {
      title: isFull ? `${name}: the allowance is used up` : `${name}: ${percent}% of the allowance is used`,
      paragraphs: [
        `${unitsIn(about, feature, used)} of ${unitsIn(about, feature, limit)} are used since ${dayIn(about, windowStartsAt)}.`,
        isFull
          ? "What goes past the allowance is taken from credits or charged where the plan says so, and stops otherwise."
          : "Nothing stops yet. The usage page says when the allowance starts over.",
      ],
      action: { label: "See usage", url: pageUrl(about, "usage") },
    };
  },
  example: {
    feature: "compute",
    percent: 80,
    used: 80,
    limit: 100,
    windowStartsAt: "2026-11-16T00:00:00Z",
  },
};
