"use client";
import type { ExportOptions, Score } from "bandpro-sdk";
import { useState } from "react";
import { failure, filled, type Words } from "../words/words.ts";

const FORMATS = ["musicxml", "mxl", "mei", "pdf", "svg", "midi", "mp3", "wav"] as const;

/** The score as a file, made by the server; tells how far it is. */
export function Exports({ score, words }: { readonly score: Score; readonly words: Words }) {
  const [told, setTold] = useState("");
  const begin = async (format: ExportOptions["format"]) => {
    setTold(filled(words.exporting, { format }));
    try {
      const job = await score.jobs.export(
        { format },
        {
          onProgress: ({ progress }) => {
            if (progress) {
              const share = `${progress.done}/${progress.total}`;
              setTold(`${filled(words.exporting, { format })} ${share}`);
            }
          },
        },
      );
      for (const file of job.files) {
        const link = document.createElement("a");
        link.href = file.url;
        link.download = file.name;
        link.click();
      }
      setTold("");
    } catch (error) {
      setTold(failure(words, error));
    }
  };
  return (
    <div className="exports">
      <label className="choice">
        <span>{words.exportScore}</span>
        <select
          value=""
          data-testid="export"
          onChange={(event) => void begin(event.target.value as ExportOptions["format"])}
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
    </div>
  );
}
