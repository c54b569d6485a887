import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import Page from "../next/app/[...room]/page.tsx";

const room = new URLSearchParams(location.search).get("room") ?? "demo/chorale";
// As the app router gives them: the path, encoded, by segments.
const params = Promise.resolve({ room: room.split("/").map(encodeURIComponent) });

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <Suspense>
      <Page params={params} />
    </Suspense>
  </StrictMode>,
);
