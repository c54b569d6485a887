"use client";
import { newId } from "bandpro-sdk";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { type Family, INSTRUMENTS, instrumentOf } from "../editing/instruments.ts";
import { commandOf } from "../editing/keys.ts";
import { addPart, movePart, type PartEntry, partsOf } from "../editing/parts.ts";
import { FAMILY_NAMES, INSTRUMENT_NAMES } from "../words/instruments.ts";
import { filled, type Language, type Words } from "../words/words.ts";
import { PartRow } from "./part-row.tsx";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly canEdit: boolean;
  readonly language: Language;
  readonly words: Words;
}

const FAMILIES = Object.keys(INSTRUMENTS) as Family[];

/** Who plays: more and fewer parts, their names, and their order. */
export function PartsPanel({ desk, desktop, canEdit, language, words }: Props) {
  const { index } = desktop;
  const parts = partsOf(index);
  const [told, setTold] = useState("");
  const status = useRef<HTMLParagraphElement>(null);
  // A button that is gone had the focus.
  useEffect(() => {
    if (told !== "" && document.activeElement === document.body) status.current?.focus();
  }, [told]);
  const shown = (part: PartEntry) =>
    part.name || filled(words.partNumber, { number: parts.indexOf(part) + 1 });
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("instrument"));
    const instrument = instrumentOf(key);
    if (!instrument) return;
    const { name, operations } = addPart(index, instrument, newId());
    const isDone = desk.edit(...operations);
    setTold(isDone ? filled(words.partAdded, { name }) : words.refused);
  };
  const remove = (part: PartEntry) => {
    const isDone = desk.edit({ op: "RemovePart", part: part.id });
    setTold(filled(isDone ? words.partRemoved : words.partTooLong, { name: shown(part) }));
  };
  // Whoever reads that undo takes it back, can press its keys here.
  const press = (event: KeyboardEvent) => {
    const command = commandOf(event);
    const isField = event.target instanceof HTMLInputElement;
    if (isField || (command?.do !== "undo" && command?.do !== "redo")) return;
    event.preventDefault();
    setTold("");
    desk.run(command);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the buttons in it
    <div className="panel" data-testid="parts" onKeyDown={press}>
      <ol className="parts">
        {parts.map((part, at) => (
          <PartRow
            key={part.id}
            part={part}
            name={shown(part)}
            canEdit={canEdit}
            isFirst={at === 0}
            isLast={at === parts.length - 1}
            words={words}
            onRename={(name, abbreviation) =>
              desk.edit({ op: "RenamePart", part: part.id, name, abbreviation })
            }
            onMove={(by) => desk.edit(...movePart(index, part.id, by))}
            onRemove={parts.length > 1 ? () => remove(part) : null}
          />
        ))}
      </ol>
      <p role="status" ref={status} tabIndex={-1} data-testid="parts-told">
        {told}
      </p>
      {canEdit ? (
        <form onSubmit={add}>
          <label>
            <span>{words.instrument}</span>
            <select name="instrument" defaultValue="violin" data-testid="instrument">
              {FAMILIES.map((family) => (
                <optgroup key={family} label={FAMILY_NAMES[language][family]}>
                  {Object.keys(INSTRUMENTS[family]).map((key) => (
                    <option key={key} value={key}>
                      {INSTRUMENT_NAMES[language][key as "violin"]}
                    </option>
                  ))}
                </optgroup>
              ))}
            </select>
          </label>
          <button type="submit">{words.addPart}</button>
        </form>
      ) : null}
    </div>
  );
}
