select make_append_only('audit_events');
