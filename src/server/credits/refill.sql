-- Periodic refill: what a plan gives each period, used or lost. Lazy and exact: whoever looks first after a period's end, a draw,
-- a read or cron, refills once, however many periods went by. Lock order: meters, replenishments, lots in draw order.

-- The period that holds p_now, of a tenant whose last one is over. By another rule than before, periods count from that one's end,
-- so that changing plans or time zones about never gives a refill sooner than one whole period after the last.
create or replace function credit_next_period(
  p_now timestamptz, r replenishments, out starts_at timestamptz, out ends_at timestamptz, out anchor_at timestamptz
) language plpgsql stable as $$
begin
  anchor_at := r.anchor_at;
  select p.starts_at, p.ends_at into starts_at, ends_at from ledger_period_at(p_now, r.every, anchor_at, r.time_zone) p;
  if starts_at >= r.period_ends_at then return; end if;
  anchor_at := r.period_ends_at;
  select p.starts_at, p.ends_at into starts_at, ends_at from ledger_period_at(p_now, r.every, anchor_at, r.time_zone) p;
end $$;

create or replace function credit_refill_lot(
  p_now timestamptz, p_tenant text, p_source text, p_units bigint, p_starts_at timestamptz, p_ends_at timestamptz, p_id text, p_actor text
) returns text language plpgsql as $$
declare
  v_entry constant text := gate_beside(p_id);
  v_lot constant text := 'lot_' || substr(v_entry, 5);
begin
  if p_units = 0 then return null; end if;
  insert into lots (tenant_id, id, unit, kind, granted, remaining, starts_at, expires_at, priority, source, created_at)
    values (p_tenant, v_lot, 'credits', 'replenish', p_units, p_units, p_starts_at, p_ends_at, 10, p_source, p_now);
  insert into entries (tenant_id, id, idempotency_key, operation, feature, units, actor, properties, created_at)
    values (p_tenant, v_entry, 'grant:' || p_source, 'grant', 'credits', p_units, p_actor, jsonb_build_object('lotId', v_lot, 'kind', 'replenish'), p_now);
  return v_lot;
end $$;

-- Refills when the period is over. Returns when the next refill is due; null when none is. It stays due
-- where the plan is over, which is for the next plan to say.
create or replace function credit_refill(p_now timestamptz, p_tenant text, p_id text, p_actor text) returns timestamptz language plpgsql as $$
declare
  r replenishments;
  v_period record;
  v_lot text;
  -- Whatever is drawn along with it may be drawn from it, and so comes after it.
  v_before constant text := left(p_id, -1);
begin
  select * into r from replenishments where tenant_id = p_tenant and unit = 'credits';
  if r.units is null or p_now < r.period_ends_at then return case when r.units is not null then r.period_ends_at end; end if;
  -- Read again under the lock: a rival may have been quicker.
  select * into r from replenishments where tenant_id = p_tenant and unit = 'credits' for no key update;
  if r.units is null or p_now < r.period_ends_at then return case when r.units is not null then r.period_ends_at end; end if;
  v_period := credit_next_period(p_now, r);
  if v_period.starts_at >= r.plan_ends_at then return r.period_ends_at; end if;
  perform gate_write_off(p_now, p_tenant, 'credits', v_before, p_actor);
  v_lot := credit_refill_lot(p_now, p_tenant, 'refill:' || to_char(v_period.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                             r.units, v_period.starts_at, v_period.ends_at, v_before, p_actor);
  update replenishments set period_starts_at = v_period.starts_at, period_ends_at = v_period.ends_at, anchor_at = v_period.anchor_at, lot_id = v_lot
    where tenant_id = p_tenant and unit = 'credits';
  perform credit_watch(p_now, p_tenant, p_id);
  return v_period.ends_at;
end $$;

-- Makes a tenant's refill what its plan says (p_units null: none). The first ever is given at once, and periods count from p_anchor
-- then; a change counts from the next period on, and a plan without refill leaves the running lot until its period ends. The caller holds the tenant's meters.
create or replace function credit_follow_plan(
  p_now timestamptz, p_tenant text, p_units bigint, p_every text, p_first bigint, p_anchor timestamptz, p_zone text, p_plan_ends_at timestamptz,
  p_id text, p_actor text
) returns void language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  r replenishments;
  v_period record;
  v_next timestamptz;
begin
  perform gate_same_tenant(array[p_tenant]);
  -- What is due already is the old plan's.
  perform credit_refill(p_now, p_tenant, p_id, p_actor);
  select * into r from replenishments where tenant_id = p_tenant and unit = 'credits' for no key update;
  if found then
    update replenishments set units = p_units, every = coalesce(p_every, every), time_zone = p_zone, plan_ends_at = p_plan_ends_at
      where tenant_id = p_tenant and unit = 'credits'
        and (units, every, time_zone, plan_ends_at) is distinct from (p_units, coalesce(p_every, every), p_zone, p_plan_ends_at);
    v_next := credit_refill(p_now, p_tenant, p_id, p_actor);
  elsif p_units is not null then
    v_period := ledger_period_at(p_now, p_every, p_anchor, p_zone);
    insert into replenishments (tenant_id, unit, units, every, anchor_at, time_zone, plan_ends_at, period_starts_at, period_ends_at, lot_id)
      values (p_tenant, 'credits', p_units, p_every, p_anchor, p_zone, p_plan_ends_at, v_period.starts_at, v_period.ends_at,
              credit_refill_lot(p_now, p_tenant, 'refill:first', coalesce(p_first, p_units), v_period.starts_at, v_period.ends_at, p_id, p_actor));
    v_next := v_period.ends_at;
    perform credit_watch(p_now, p_tenant, p_id);
  end if;
  update meters m set refill_at = q.next from (select feature, case when overflow = 'credits' then v_next end as next from meters where tenant_id = p_tenant) q
    where m.tenant_id = p_tenant and m.feature = q.feature and m.refill_at is distinct from q.next;
end $$;

-- Brings a tenant's credits up to p_now: a due refill, and what expired is written off. Safe late, twice, or never. Says how many
-- units were written off and whether it was refilled.
create or replace function credit_settle(p_now timestamptz, p_tenant text, p_id text, p_actor text, out written_off bigint, out refilled boolean)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform gate_same_tenant(array[p_tenant]);
  -- Under the lock, so that of two that come at once only one says that it refilled.
  perform 1 from replenishments where tenant_id = p_tenant and units is not null and period_ends_at <= p_now for no key update;
  refilled := found and coalesce(credit_refill(p_now, p_tenant, p_id, p_actor) > p_now, false);
  written_off := gate_write_off_all(p_now, p_tenant, p_id, p_actor);
end $$;

-- Cron's housekeeping: tenants with a refill that is due or a lot that expired with something left, in pages.
create or replace function credit_due(p_now timestamptz, p_after text, p_limit int) returns table (tenant_id text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select q.tenant_id from (
    select r.tenant_id from replenishments r where r.tenant_id > p_after and r.units is not null and r.period_ends_at <= p_now
    union
    select l.tenant_id from lots l where l.tenant_id > p_after and l.closed_at is null and l.expires_at <= p_now) q
  order by 1 limit p_limit
$$;
