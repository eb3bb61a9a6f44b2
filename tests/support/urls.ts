/** The app's login in tests: not the owner, no way around row-level security. */
export function withLogin(url: string): string {
  const changed = new URL(url);
  changed.username = "app_login";
  changed.password = "app-login-of-the-tests";
  return changed.href;
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
