-- The ledger's walls and storage. Functions that draw are in gate.sql.
select open_wall_for_gate(t) from unnest(array['meters', 'lots', 'entries', 'draws', 'outbox']) t;
select make_append_only(t) from unnest(array['entries', 'draws']) t;
alter table meters set (fillfactor = 75);
alter table lots set (fillfactor = 75);
