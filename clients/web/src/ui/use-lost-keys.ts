import { useEffect, useRef } from "react";

/**
 * Keys that nothing on the page has are the score's again, while something is selected in it: a
 * click beside it, or a button that goes, takes the focus away, and what is selected still shows.
 */
export function useLostKeys(isSelected: boolean, press: (event: KeyboardEvent) => void): void {
  const newest = useRef(press);
  newest.current = press;
  useEffect(() => {
    if (!isSelected) return;
    const take = (event: KeyboardEvent) => {
      const isOfText = getSelection()?.isCollapsed === false;
      if (event.target === document.body && !isOfText) newest.current(event);
    };
    document.addEventListener("keydown", take);
    return () => document.removeEventListener("keydown", take);
  }, [isSelected]);
}
