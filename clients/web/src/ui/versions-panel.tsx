"use client";
import type { Score, Version } from "bandpro-sdk";
import { type FormEvent, useCallback, useEffect, useMemo, useState } from "react";
import type { Desk } from "../editing/desk.ts";
import { failure, type Language, type Words } from "../words/words.ts";
import { DifferenceList } from "./differences.tsx";
import type { Comparison } from "./use-comparison.ts";

interface Props {
  readonly score: Score;
  readonly desk: Desk;
  readonly comparison: Comparison;
  readonly language: Language;
  readonly words: Words;
}

/** States of the score that one can return to. */
export function VersionsPanel({ score, desk, comparison, language, words }: Props) {
  const [versions, setVersions] = useState<readonly Version[]>([]);
  const [told, setTold] = useState("");
  const tell = useCallback((error: unknown) => setTold(failure(words, error)), [words]);
  const load = useCallback(async () => {
    setVersions((await score.versions.list()).versions);
  }, [score]);
  useEffect(() => {
    load().catch(tell);
  }, [load, tell]);
  const keep = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name") ?? "").trim();
    setTold("");
    const kept = async () => {
      // A version holds what is on the server's disk.
      await score.whenSaved();
      await score.versions.keep(name);
      form.reset();
      await load();
    };
    kept().catch(tell);
  };
  const restore = (id: string) => {
    setTold("");
    const restored = async () => {
      await score.whenSaved();
      await score.versions.restore(id);
      comparison.end();
      await load();
    };
    restored().catch(tell);
  };
  const compare = (version: Version) => {
    setTold("");
    return comparison.begin(version).catch(tell);
  };
  const date = useMemo(
    () => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }),
    [language],
  );
  return (
    <div className="panel" data-testid="versions">
      <form onSubmit={keep}>
        <label>
          <span>{words.versionName}</span>
          <input name="name" required maxLength={200} />
        </label>
        <button type="submit">{words.keepVersion}</button>
      </form>
      <p role="status">{told}</p>
      <DifferenceList comparison={comparison} desk={desk} words={words} />
      <ul>
        {versions.map((version) => (
          <li key={version.id} className="version">
            <span>
              <strong>{version.name || words.automatic}</strong> {date.format(version.createdAtMs)}
            </span>
            <span>
              <button type="button" onClick={() => void compare(version)}>
                {words.compare}
              </button>{" "}
              <button type="button" onClick={() => restore(version.id)}>
                {words.restore}
              </button>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
