-- A sold plan version never changes.
select make_append_only('plan_versions');
