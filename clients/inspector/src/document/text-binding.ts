import type * as Y from "yjs";
import { BY_HAND, plainTextOf, spliceText } from "./edits.ts";
import { inField, offsetInField, offsetInText } from "./line-endings.ts";
import { caretAfter, type Delta, type Splice, spliceAfter, spliceBetween } from "./text-splice.ts";

/** What a text area offers; a test puts a plain object in its place. */
export interface TextField {
  value: string;
  selectionStart: number;
  selectionEnd: number;
  setSelectionRange(start: number, end: number): void;
}

/**
 * Keeps a text area and a Y.Text alike: what is typed becomes one small splice, what others do
 * appears under the caret without moving it off its letter.
 *
 * While an input method composes, the field is left alone; what others do meanwhile is kept and
 * the composed text is placed after it.
 */
export class TextBinding {
  readonly #text: Y.Text;
  readonly #field: TextField;
  /** The text that the field shows, with its own line endings. */
  #shown: string;
  #composing = false;
  #held: Delta[] = [];

  constructor(text: Y.Text, field: TextField) {
    this.#text = text;
    this.#field = field;
    this.#shown = plainTextOf(text);
    field.value = inField(this.#shown);
    text.observe(this.#onText);
  }

  /** The person changed the field. */
  onInput(): void {
    if (this.#composing) return;
    const splice = this.#typed();
    if (splice !== null) spliceText(this.#text, splice);
  }

  onCompositionStart(): void {
    this.#composing = true;
  }

  onCompositionEnd(): void {
    if (!this.#composing) return;
    this.#composing = false;
    const end = this.#field.value.length - this.#field.selectionEnd;
    let splice = this.#typed();
    for (const delta of this.#held) {
      if (splice !== null) splice = spliceAfter(delta, splice);
    }
    const composed = splice !== null;
    const held = this.#held;
    this.#held = [];
    if (splice !== null) spliceText(this.#text, splice);
    if (held.length === 0) return;
    const caret = composed && splice !== null ? splice.index + splice.inserted.length : null;
    this.#shown = plainTextOf(this.#text);
    const text = inField(this.#shown);
    const place = caret === null ? text.length - end : offsetInField(this.#shown, caret);
    this.#field.value = text;
    this.#field.setSelectionRange(place, place);
  }

  destroy(): void {
    this.#text.unobserve(this.#onText);
  }

  /** What was typed since the field was last like the text, in places of the text. */
  #typed(): Splice | null {
    const { value, selectionEnd } = this.#field;
    const splice = spliceBetween(inField(this.#shown), value, selectionEnd);
    if (splice === null) return null;
    const index = offsetInText(this.#shown, splice.index);
    const end = offsetInText(this.#shown, splice.index + splice.removed);
    return { index, removed: end - index, inserted: splice.inserted };
  }

  readonly #onText = (event: Y.YTextEvent, transaction: Y.Transaction): void => {
    const delta: Delta = event.delta;
    if (this.#composing) {
      this.#held.push(delta);
      return;
    }
    const before = this.#shown;
    this.#shown = plainTextOf(this.#text);
    // What was typed here is in the field already, and the caret where it belongs.
    if (transaction.origin === BY_HAND && inField(this.#shown) === this.#field.value) return;
    const place = (offset: number): number =>
      offsetInField(this.#shown, caretAfter(delta, offsetInText(before, offset)));
    const start = place(this.#field.selectionStart);
    const end = place(this.#field.selectionEnd);
    this.#field.value = inField(this.#shown);
    this.#field.setSelectionRange(start, end);
  };
}
