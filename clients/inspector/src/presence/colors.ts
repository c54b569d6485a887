/** Colours that keep their distance from each other and can be read on light and on dark. */
export const PERSON_COLORS: readonly string[] = [
  "#d33650",
  "#bb5419",
  "#996900",
  "#557e1c",
  "#118356",
  "#0e7e87",
  "#2b75bf",
  "#6a63d9",
  "#a14dc3",
  "#c73b8c",
];

/** Accepts six hexadecimal digits and nothing else: the value ends up in a style. */
export function isColor(value: unknown): value is string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);
}

/** A steady colour for somebody who gave none. */
export function fallbackColor(client: number): string {
  return PERSON_COLORS[client % PERSON_COLORS.length] ?? "#808080";
}

/** Where black and white stand out alike; on either side one of them has 4.5 to 1 at least. */
const EQUAL_CONTRAST_LUMINANCE = 0.179;

/** Black or white, whichever reads better on the colour (WCAG relative luminance). */
export function inkOn(color: string): "#000000" | "#ffffff" {
  const channel = (from: number): number => {
    const value = Number.parseInt(color.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return luminance > EQUAL_CONTRAST_LUMINANCE ? "#000000" : "#ffffff";
}
