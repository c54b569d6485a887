import { App } from "../src/ui/app.tsx";

export default function Page() {
  return <App />;
}
