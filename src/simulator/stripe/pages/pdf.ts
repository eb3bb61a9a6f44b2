const LINES_PER_PAGE = 48;
const LEADING = 15;

// Text outside of Latin-1 has no glyph in the built-in fonts.
function literal(text: string): string {
  return `(${text.replace(/[^\x20-\x7e\xa0-\xff]/g, "?").replace(/[\\()]/g, "\\$&")})`;
}

/** A one-page document of plain lines, the first one as its heading; just enough of the format to be opened. */
export function pdfOf([heading = "", ...lines]: string[]): Buffer {
  const body = lines.slice(0, LINES_PER_PAGE).map((line) => `${literal(line)} Tj T*`);
  const text = `BT /F1 18 Tf 56 780 Td ${literal(heading)} Tj /F1 10 Tf ${LEADING} TL 0 -30 Td\n${body.join("\n")}\nET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(file + table + end, "latin1");
}
