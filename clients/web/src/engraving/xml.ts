/** Attributes of an element; what is null or undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | null | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
// XML 1.0 has no way to write these.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

// Nearly all that is written: it need not be looked at three times.
const PLAIN = /^[\w .,:#+/-]*$/;

export function escaped(text: string): string {
  if (PLAIN.test(text)) {
    return text;
  }
  return text
    .toWellFormed()
    .replace(UNWRITABLE, "")
    .replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}

/** One element as text; its content is markup already. */
export function element(name: string, attributes: Attributes, content = ""): string {
  let start = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) {
      start += ` ${key}="${escaped(String(value))}"`;
    }
  }
  return content === "" ? `${start}/>` : `${start}>${content}</${name}>`;
}
