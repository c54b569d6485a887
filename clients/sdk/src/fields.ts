/** An object of whatever somebody else wrote. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text among the fields of a value; empty where there is none. */
export function textIn(value: unknown, name: string): string {
  const found = isFields(value) ? value[name] : undefined;
  return typeof found === "string" ? found : "";
}
