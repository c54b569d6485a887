/** The element with an id in a picture: browsers know `#id`; other selectors look at all of them. */
export function drawnOf(box: HTMLElement, id: string): Element | null {
  return id === "" ? null : box.querySelector(`#${CSS.escape(id)}`);
}
