/** A kind of tax number in Stripe's word, what people call it, and what one looks like. */
export interface TaxIdKind {
  type: string;
  name: string;
  example: string;
}

/** Those that are offered. Stripe knows more, and what a customer has of another kind is shown all the same. */
export const TAX_ID_KINDS: readonly TaxIdKind[] = [
  { type: "eu_vat", name: "EU VAT number", example: "DE123456789" },
  { type: "gb_vat", name: "UK VAT number", example: "GB123456789" },
  { type: "ch_vat", name: "Swiss VAT number", example: "CHE-123.456.789 MWST" },
  { type: "no_vat", name: "Norwegian VAT number", example: "123456789MVA" },
  { type: "us_ein", name: "US EIN", example: "12-3456789" },
  { type: "ca_bn", name: "Canadian BN", example: "123456789" },
  { type: "ca_gst_hst", name: "Canadian GST/HST number", example: "123456789RT0002" },
  { type: "au_abn", name: "Australian ABN", example: "12345678912" },
  { type: "nz_gst", name: "New Zealand GST number", example: "123456789" },
  { type: "in_gst", name: "Indian GST number", example: "12ABCDE3456FGZH" },
  { type: "sg_gst", name: "Singaporean GST number", example: "M12345678X" },
  { type: "jp_trn", name: "Japanese tax registration number", example: "T1234567891234" },
  { type: "kr_brn", name: "Korean BRN", example: "123-45-67890" },
  { type: "br_cnpj", name: "Brazilian CNPJ", example: "01.234.456/5432-10" },
  { type: "mx_rfc", name: "Mexican RFC", example: "ABC010203AB9" },
  { type: "za_vat", name: "South African VAT number", example: "4123456789" },
];

/** "eu_vat" → "EU VAT number"; a kind that is not offered is called by Stripe's word. */
export function taxIdName(type: string): string {
  return TAX_ID_KINDS.find((kind) => kind.type === type)?.name ?? type.replaceAll("_", " ").toUpperCase();
}
