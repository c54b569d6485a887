"use client";
import type { Score, Version } from "bandpro-sdk";
import { type FormEvent, useCallback, useEffect, useMemo, useState } from "react";
import { failure, type Language, type Words } from "../words/words.ts";

interface Props {
  readonly score: Score;
  readonly language: Language;
  readonly words: Words;
}

/** States of the score that one can return to. */
export function VersionsPanel({ score, language, words }: Props) {
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
      await load();
    };
    restored().catch(tell);
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
      <ul>
        {versions.map((version) => (
          <li key={version.id} className="version">
            <span>
              <strong>{version.name || words.automatic}</strong> {date.format(version.createdAtMs)}
            </span>
            <button type="button" onClick={() => restore(version.id)}>
              {words.restore}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
