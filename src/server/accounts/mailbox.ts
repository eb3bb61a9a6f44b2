const MAX_CHARACTERS = 254;
const MAX_LOCAL_CHARACTERS = 64;
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/**
 * The one mailbox that the text names, in lower case, or null. Narrower than RFC 5321 on purpose: no lists, no
 * quotes, no comments, no address literals, and ASCII only, since an address that two programs read differently
 * sends one person's sign-in link to another. An internationalised domain is written in punycode.
 */
export function mailboxOf(text: string): string | null {
  if (text.length > MAX_CHARACTERS + 20 || !PRINTABLE_ASCII.test(text)) return null;
  const address = text.trim().toLowerCase();
  const [local = "", domain = "", ...rest] = address.split("@");
  if (rest.length > 0 || address.length > MAX_CHARACTERS || local.length > MAX_LOCAL_CHARACTERS) return null;
  return LOCAL.test(local) && isDomain(domain) ? address : null;
}

function isDomain(domain: string): boolean {
  const labels = domain.split(".");
  const last = labels.at(-1) ?? "";
  return (
    labels.length > 1 &&
    !/^\d+$/.test(last) &&
    labels.every((label) => label.length <= 63 && LABEL.test(label))
  );
}
