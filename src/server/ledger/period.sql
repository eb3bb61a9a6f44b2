-- The period of a window rule that contains p_now, half-open [starts_at, ends_at), never empty.
-- Equal to periodAt in src/lib/time.ts; tests/ledger/period.test.ts holds the two together.
-- p_unit: day, week, month or year. p_anchor null: the calendar. Errors: 22023 (invalid_parameter_value).
CREATE OR REPLACE FUNCTION ledger_period_at(
  p_now timestamptz,
  p_unit text,
  p_anchor timestamptz,
  p_time_zone text,
  OUT starts_at timestamptz,
  OUT ends_at timestamptz
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- A Monday, the first of a month and of a year: one anchored algorithm serves the calendar too.
  anchor timestamp := coalesce(p_anchor AT TIME ZONE p_time_zone, timestamp '2001-01-01 00:00:00');
  local_now timestamp := p_now AT TIME ZONE p_time_zone;
  step interval;
  k integer;
BEGIN
  IF p_now IS NULL OR p_unit IS NULL OR p_time_zone IS NULL OR NOT isfinite(p_now) OR NOT isfinite(anchor) THEN
    RAISE EXCEPTION 'ledger_period_at needs a finite instant, a unit and a time zone' USING ERRCODE = '22023';
  END IF;
  -- "CET" would be a fixed abbreviation here and "+02:00" have its sign turned round.
  IF p_time_zone <> 'UTC' AND strpos(p_time_zone, '/') = 0 THEN
    RAISE EXCEPTION 'not an IANA time zone: %', p_time_zone USING ERRCODE = '22023';
  END IF;

  -- Never too low: boundary k + 1 is on a later date than p_now. Too high by one before the anchor's day or
  -- time of day, and by one more beside a clock change.
  CASE p_unit
    WHEN 'day' THEN
      step := make_interval(days => 1);
      k := local_now::date - anchor::date;
    WHEN 'week' THEN
      step := make_interval(days => 7);
      k := (local_now::date - anchor::date) / 7;
    WHEN 'month' THEN
      step := make_interval(months => 1);
      k := (extract(year FROM local_now) - extract(year FROM anchor)) * 12
        + extract(month FROM local_now) - extract(month FROM anchor);
    WHEN 'year' THEN
      step := make_interval(years => 1);
      k := extract(year FROM local_now) - extract(year FROM anchor);
    ELSE
      RAISE EXCEPTION 'unknown window unit: %', p_unit USING ERRCODE = '22023';
  END CASE;

  -- Always counted from the anchor, so that 31 January leads to 28 February and then to 31 March.
  starts_at := (anchor + k * step) AT TIME ZONE p_time_zone;
  WHILE starts_at > p_now LOOP
    k := k - 1;
    starts_at := (anchor + k * step) AT TIME ZONE p_time_zone;
  END LOOP;
  ends_at := (anchor + (k + 1) * step) AT TIME ZONE p_time_zone;
END
$$;
