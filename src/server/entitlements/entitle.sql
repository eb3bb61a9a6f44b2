-- When a window that is moved (other unit, anchor or time zone) ends: at a boundary of the new rule, and never sooner
-- than one whole window after the last allowance was given, so that moving windows about never adds an allowance.
create or replace function quota_moved_end(
  p_now timestamptz, p_unit text, p_anchor timestamptz, p_zone text, p_carried_from timestamptz,
  p_old_unit text, p_old_anchor timestamptz, p_old_zone text, p_old_ends_at timestamptz
) returns timestamptz language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_earliest timestamptz;
  v_period record;
begin
  if p_unit is null then return null; end if;
  -- Between calendars the same page ends: July's allowance is given once, whichever time zone July begins in.
  if p_unit = p_old_unit and p_anchor is null and p_old_anchor is null then
    return date_trunc('day', p_old_ends_at at time zone p_old_zone) at time zone p_zone;
  end if;
  v_earliest := (p_carried_from at time zone p_zone + ('1 ' || p_unit)::interval) at time zone p_zone;
  if v_earliest <= p_now then return (ledger_period_at(p_now, p_unit, p_anchor, p_zone)).ends_at; end if;
  v_period := ledger_period_at(v_earliest, p_unit, p_anchor, p_zone);
  return case when v_period.starts_at = v_earliest then v_earliest else v_period.ends_at end;
end $$;

-- Tenants that were blocked before reasons had rows of their own get theirs.
select open_wall_for_gate('tenant_blocks');
insert into tenant_blocks (tenant_id, reason, actor, created_at)
  select m.tenant_id, min(m.blocked_reason), 'system:migration', now() from meters m
  where m.blocked_reason is not null and not exists (select from tenant_blocks b where b.tenant_id = m.tenant_id) group by m.tenant_id
  on conflict do nothing;

-- Every breach of what the meters owe to plans and overrides. No rows: they follow.
drop function if exists entitlement_books(timestamptz);
create function entitlement_books(p_now timestamptz) returns table (invariant text, tenant_id text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with live as (
    -- A minute's grace: another server, with another clock, may have seen it end.
    select * from overrides where ended_at is null and (expires_at is null or expires_at > p_now + interval '1 minute')
  )
  select 'meter: its allowance is the override''s', m.tenant_id, m.feature, format('allowance %s, override %s', m.allowance, o.limit)
  from meters m join live o on o.tenant_id = m.tenant_id and o.feature = m.feature
  where m.allowance is distinct from o."limit" or m.override_ends_at is distinct from o.expires_at
  union all
  select 'meter: after an override its allowance is the plan''s', m.tenant_id, m.feature, format('allowance %s, plan %s', m.allowance, m.plan_allowance)
  from meters m
  where m.allowance is distinct from m.plan_allowance and (m.override_ends_at is null or m.override_ends_at > p_now + interval '1 minute')
    and exists (select from overrides o where o.tenant_id = m.tenant_id and o.feature = m.feature)
    and not exists (select from live o where o.tenant_id = m.tenant_id and o.feature = m.feature)
  union all
  select 'meter: on its tenant''s plan version', m.tenant_id, m.feature, format('meter %s, tenant %s', m.plan_version, t.plan_version)
  from meters m join tenant_plans t on t.tenant_id = m.tenant_id
  where m.plan_version <> t.plan_version
  union all
  select 'meter: over when its tenant''s plan is', m.tenant_id, m.feature, format('meter %s, tenant %s', m.plan_ends_at, t.ends_at)
  from meters m join tenant_plans t on t.tenant_id = m.tenant_id
  where m.plan_ends_at is distinct from t.ends_at
  union all
  select 'meter: blocked for the earliest reason there is', m.tenant_id, m.feature, format('meter %s, tenant %s', m.blocked_reason, b.reason)
  from meters m left join (
    select distinct on (tenant_id) tenant_id, reason from tenant_blocks order by tenant_id, created_at, reason) b on b.tenant_id = m.tenant_id
  where m.blocked_reason is distinct from b.reason
  union all
  select 'tenant: blocked as a whole, or not', m.tenant_id, min(m.feature), format('%s reasons', count(distinct coalesce(m.blocked_reason, '')))
  from meters m group by m.tenant_id having count(distinct coalesce(m.blocked_reason, '')) > 1
$$;
