"use client";

/** A note of a length in quarters, without dots. */
export function NoteIcon({ quarters }: { readonly quarters: number }) {
  const hasStem = quarters < 4;
  const flags = quarters === 1 / 2 ? 1 : quarters === 1 / 4 ? 2 : 0;
  return (
    <svg viewBox="0 0 16 24" width="14" height="21" aria-hidden="true">
      <ellipse
        cx="6"
        cy="19"
        rx="4.6"
        ry="3.3"
        transform="rotate(-20 6 19)"
        fill={quarters >= 2 ? "none" : "currentColor"}
        stroke="currentColor"
        strokeWidth="1.6"
      />
      {hasStem ? <path d="M10.4 18V3" stroke="currentColor" strokeWidth="1.5" /> : null}
      {flags > 0 ? (
        <path d="M10.4 3c1 4 4 4 3.6 9" fill="none" stroke="currentColor" strokeWidth="1.5" />
      ) : null}
      {flags > 1 ? (
        <path d="M10.4 7c1 4 4 4 3.6 9" fill="none" stroke="currentColor" strokeWidth="1.5" />
      ) : null}
    </svg>
  );
}
