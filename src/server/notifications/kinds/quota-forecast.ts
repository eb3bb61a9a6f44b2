import { dayIn, featureName, pageUrl, type Template, timeIn } from "../letter";

export const quotaForecast: Template<"quota.forecast"> = {
  topic: "usage",
  write: ({ feature, allowanceEndsAt, runsOutAt, resetsAt }, about) => {
    const name = featureName(about, feature);
    const stops = runsOutAt
      ? `With what it may use beyond that, it stops about ${timeIn(about, runsOutAt)}.`
      : "What it may use beyond that keeps it going.";
    return {
      title: `${name}: at this pace the allowance will not last`,
      paragraphs: [
        `At the pace of the last days the allowance is used up about ${timeIn(about, allowanceEndsAt)}, before it starts over on ${dayIn(about, resetsAt)}.`,
        stops,
      ],
      action: { label: "See usage", url: pageUrl(about, "usage") },
    };
  },
  example: {
    feature: "compute",
    unitsPerDay: 25,
    allowanceEndsAt: "2026-11-19T12:00:00Z",
    runsOutAt: "2026-11-20T12:00:00Z",
    resetsAt: "2026-11-23T00:00:00Z",
    windowStartsAt: "2026-11-16T00:00:00Z",
  },
};
