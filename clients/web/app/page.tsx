"use client";
import { useEffect, useState } from "react";
import { compareText } from "bandpro-score";

export default function Page() {
  const [version, setVersion] = useState("");
  useEffect(() => {
    const worker = new Worker(new URL("../src/engraving/worker.ts", import.meta.url), {
      type: "module",
    });
    worker.onmessage = (event: MessageEvent<string>) => setVersion(event.data);
    worker.postMessage(0);
    return () => worker.terminate();
  }, []);
  return <main>{`${version}${compareText("a", "b")}`}</main>;
}
