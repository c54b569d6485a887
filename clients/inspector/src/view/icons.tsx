import type { ComponentChildren, JSX } from "preact";

/** Icons drawn for this page on a grid of 20; they take the colour of the text around them. */
function Icon({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const Chevron = () => (
  <Icon>
    <path d="M7.5 5l5 5-5 5" />
  </Icon>
);
export const Key = () => (
  <Icon>
    <circle cx="6.5" cy="10" r="3.2" />
    <path d="M9.7 10H17M14.5 10v3M17 10v2.2" />
  </Icon>
);
export const Sun = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.4" />
    <path d="M10 2.2v1.9M10 15.9v1.9M2.2 10h1.9M15.9 10h1.9M4.5 4.5l1.3 1.3M14.2 14.2l1.3 1.3M4.5 15.5l1.3-1.3M14.2 5.8l1.3-1.3" />
  </Icon>
);
export const Moon = () => (
  <Icon>
    <path d="M16.5 11.8A6.8 6.8 0 0 1 8.2 3.5a6.8 6.8 0 1 0 8.3 8.3z" />
  </Icon>
);
export const Plus = () => (
  <Icon>
    <path d="M10 4.5v11M4.5 10h11" />
  </Icon>
);
export const Bin = () => (
  <Icon>
    <path d="M4.5 6h11M8 6V4.2h4V6M6 6l.7 9.8h6.6L14 6" />
  </Icon>
);
export const Pencil = () => (
  <Icon>
    <path d="M4.5 15.5l.8-3.3 7.6-7.6 2.5 2.5-7.6 7.6z" />
  </Icon>
);
export const Cross = () => (
  <Icon>
    <path d="M5.5 5.5l9 9M14.5 5.5l-9 9" />
  </Icon>
);
export const Check = () => (
  <Icon>
    <path d="M4.5 10.5l3.6 3.6 7.4-8" />
  </Icon>
);
export const Search = () => (
  <Icon>
    <circle cx="9" cy="9" r="4.8" />
    <path d="M12.6 12.6l3.7 3.7" />
  </Icon>
);
export const Up = () => (
  <Icon>
    <path d="M10 15.5v-11M5.5 9L10 4.5 14.5 9" />
  </Icon>
);
export const Down = () => (
  <Icon>
    <path d="M10 4.5v11M5.5 11l4.5 4.5 4.5-4.5" />
  </Icon>
);
export const Undo = () => (
  <Icon>
    <path d="M7 4.5L3.8 7.7 7 10.9M4.2 7.7h7.3a4.2 4.2 0 0 1 0 8.4H8" />
  </Icon>
);
export const Redo = () => (
  <Icon>
    <path d="M13 4.5l3.2 3.2L13 10.9M15.8 7.7H8.5a4.2 4.2 0 0 0 0 8.4H12" />
  </Icon>
);
export const Pause = () => (
  <Icon>
    <path d="M7 5v10M13 5v10" />
  </Icon>
);
export const Play = () => (
  <Icon>
    <path d="M6.5 4.5v11l9-5.5z" />
  </Icon>
);
export const Stop = () => (
  <Icon>
    <path d="M5.5 5.5h9v9h-9z" />
  </Icon>
);
export const Lock = () => (
  <Icon>
    <path d="M5 9h10v7H5zM7 9V6.8a3 3 0 0 1 6 0V9" />
  </Icon>
);
export const Nodes = () => (
  <Icon>
    <path d="M10 7.2L5.6 12.8M10 7.2l4.4 5.6M7 14.6h6" />
    <circle cx="10" cy="5" r="2.2" />
    <circle cx="4.8" cy="14.6" r="2.2" />
    <circle cx="15.2" cy="14.6" r="2.2" />
  </Icon>
);

/** The mark of the page: four parts under one brace. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect class="mark-ground" width="32" height="32" rx="8" />
    <path class="mark-line" d="M8 7v18" />
    <rect class="mark-note" x="11" y="7" width="9" height="3.4" rx="1.7" />
    <rect class="mark-note" x="17" y="12" width="8" height="3.4" rx="1.7" />
    <rect class="mark-note" x="11" y="17" width="6" height="3.4" rx="1.7" />
    <rect class="mark-note" x="14" y="22" width="11" height="3.4" rx="1.7" />
  </svg>
);
