/** A row is as high as it is. */
export const PAGE_HEIGHT = 60_000;

/** How Verovio draws for the editor, at every width. */
export const OPTIONS = {
  adjustPageHeight: true,
  // Rows are cast off before: each comes on a page of its own.
  breaks: "encoded",
  // Staves stay where nothing is written yet: it is to be written there.
  condense: "none",
  footer: "none",
  header: "none",
  // Fonts come with the page; the picture names none and carries no style of its own.
  smuflTextFont: "none",
  svgRemoveXlink: true,
  svgViewBox: true,
  justifyVertically: false,
  spacingStaff: 10,
  xmlIdSeed: 1,
};
