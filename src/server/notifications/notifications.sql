select open_wall_for_gate('notifications');

-- Facts that nobody was told yet, across tenants, in pages. Only types that this release has words for: a newer one's wait.
-- Ids only: the rest is asked as the tenant.
drop function if exists outbox_unsent(text[], text, text, int);
create function outbox_unsent(p_types text[], p_after_tenant text, p_after_id text, p_limit int)
returns table (tenant_id text, id text) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select o.tenant_id, o.id from outbox o
  where o.sent_at is null and o.type = any(p_types) and (o.tenant_id, o.id) > (p_after_tenant, p_after_id)
  order by o.tenant_id, o.id limit p_limit
$$;

-- Takes the mail that has waited longest, for so many seconds: whoever else asks passes it by. The lease goes by the database's
-- own clock, since the app's may be moved. Attempts count from here, so a mail that kills its worker is put off too.
create or replace function mail_claim(p_now timestamptz, p_lease_seconds int)
returns table (tenant_id text, user_id text, message_id text, attempts int)
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  with next as materialized (
    select n.tenant_id, n.user_id, n.message_id from notifications n
    where n.mail_due_at <= p_now and (n.mail_lease_ends_at is null or n.mail_lease_ends_at <= clock_timestamp())
    order by n.mail_due_at limit 1 for update skip locked
  )
  update notifications n
    set mail_attempts = n.mail_attempts + 1, mail_lease_ends_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    from next q where n.tenant_id = q.tenant_id and n.user_id = q.user_id and n.message_id = q.message_id
    returning n.tenant_id, n.user_id, n.message_id, n.mail_attempts
$$;

-- Deletes what was told long ago, a batch at a time; what people were told of it goes along. A window's fact is what keeps it
-- from being told again, so it is kept as long as a window may last.
create or replace function outbox_forget(p_before timestamptz, p_windows_before timestamptz, p_limit int) returns int
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  with old as materialized (
    select o.tenant_id, o.id from outbox o
    where o.sent_at < p_before and (o.type not like 'quota.%' or o.sent_at < p_windows_before)
    order by o.tenant_id, o.id limit p_limit for update skip locked
  ), gone as (
    delete from outbox o using old q where o.tenant_id = q.tenant_id and o.id = q.id returning 1
  )
  select count(*)::int from gone
$$;
