-- A sold plan version never changes. Overrides and plans of all tenants are read by the books.
select make_append_only('plan_versions');
select open_wall_for_gate(t) from unnest(array['tenant_plans', 'overrides']) t;
