"use client";
import type { ExportOptions, Job, Score } from "bandpro-sdk";
import { useEffect, useRef, useState } from "react";
import { failure, filled, type Words } from "../words/words.ts";

type Format = ExportOptions["format"];

const FORMATS = ["musicxml", "mxl", "mei", "pdf", "svg", "midi", "mp3", "wav"] as const;

/** The score as a file, made by the server; tells how far it is. Whoever leaves wants none. */
export function Exports({ score, words }: { readonly score: Score; readonly words: Words }) {
  const [told, setTold] = useState("");
  const [isBusy, setBusy] = useState(false);
  const wanted = useRef<AbortController | null>(null);
  useEffect(() => () => wanted.current?.abort(), []);

  const begin = async (format: Format) => {
    wanted.current?.abort();
    const own = new AbortController();
    wanted.current = own;
    const text = filled(words.exporting, { format });
    setTold(text);
    setBusy(true);
    try {
      const job = await made(score, format, own.signal, ({ progress }) => {
        if (progress) setTold(`${text} ${progress.done}/${progress.total}`);
      });
      if (own.signal.aborted) return;
      download(job);
      setTold("");
    } catch (error) {
      if (own.signal.aborted) return;
      setTold(failure(words, error));
    }
    wanted.current = null;
    setBusy(false);
  };
  const cancel = () => {
    wanted.current?.abort();
    wanted.current = null;
    setBusy(false);
    setTold("");
  };
  return (
    <div className="exports">
      <label className="choice">
        <span>{words.exportScore}</span>
        <select
          value=""
          data-testid="export"
          onChange={(event) => void begin(event.target.value as Format)}
        >
          <option value="">—</option>
          {FORMATS.map((format) => (
            <option key={format} value={format}>
              {format}
            </option>
          ))}
        </select>
      </label>
      <span role="status" data-testid="export-state">
        {told}
      </span>
      {isBusy ? (
        <button type="button" onClick={cancel}>
          {words.cancel}
        </button>
      ) : null}
    </div>
  );
}

/** Orders a file and waits for it; when the signal comes first, the server is told to stop. */
async function made(
  score: Score,
  format: Format,
  signal: AbortSignal,
  onProgress: (job: Job) => void,
): Promise<Job> {
  const ordered = await score.jobs.order({ format });
  // The server may be gone by then, or done: there is nothing to tell anybody.
  const stop = () => void score.jobs.cancel(ordered.id).catch(() => undefined);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await score.jobs.finished(ordered, { onProgress, signal });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function download(job: Job): void {
  for (const file of job.files) {
    const link = document.createElement("a");
    link.href = file.url;
    link.download = file.name;
    link.click();
  }
}
