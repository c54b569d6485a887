/** A page is as high as some screens, so that only what is seen is drawn. */
export const PAGE_HEIGHT = 3_000;

/** How Verovio draws for the editor, at every width. */
export const OPTIONS = {
  adjustPageHeight: true,
  breaks: "auto",
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
