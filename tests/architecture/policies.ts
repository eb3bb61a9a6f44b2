interface Router {
  _def: { procedures: Record<string, unknown>; lazy: Record<string, unknown> };
}

/** Procedures without `meta.access`, and lazy routers: what is not loaded can't be looked at. */
export function undeclared(router: Router): string[] {
  const { procedures, lazy } = router._def;
  const silent = Object.entries(procedures).filter(([, procedure]) => !accessOf(procedure));
  return [
    ...silent.map(([name]) => `${name}: declares no access`),
    ...Object.keys(lazy).map((name) => `${name}: a lazy router hides its procedures`),
  ];
}

function accessOf(procedure: unknown): string | undefined {
  return (procedure as { _def: { meta?: { access?: string } } })._def.meta?.access;
}
