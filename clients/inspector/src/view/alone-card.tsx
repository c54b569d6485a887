import type { JSX } from "preact";
import type { Picture } from "../cluster/answers.ts";

const MACHINE = `python3 -c 'import secrets; print(secrets.token_urlsafe(48))' > bus.key
redis-server --save "" --appendonly no --bind 127.0.0.1 &
bandpro serve --workers 4 --bus redis://127.0.0.1 --bus-key-file bus.key`;

const STORE_ONLY = `bandpro serve --bus log --node one
bandpro serve --bus log --node two --port 8090 --admin-port 8091`;

/** What there is to know where only one node is to be seen. */
export function AloneCard({ picture }: { picture: Picture }): JSX.Element | null {
  const [node, ...others] = picture.nodes;
  if (node === undefined || others.length > 0) return null;
  if (node.bus?.kind !== "off") {
    if (picture.gone.length > 0) return null;
    return (
      <div class="notice info" role="note" data-testid="only-member">
        <p>
          <strong>{node.node} is the only member.</strong> Another node is listed a second after it
          was started on the same store, with the same <code class="mono">--bus</code> and key.
        </p>
      </div>
    );
  }
  return (
    <section class="card alone-card" aria-labelledby="alone-title" data-testid="alone">
      <div class="card-head">
        <h2 id="alone-title">A node by itself</h2>
      </div>
      <div class="card-body">
        <p>
          This server was started without a bus, so it looks for no others, and every room is at
          home here. That needs nothing more. Several nodes share the load of many rooms, and go on
          when one of them is killed.
        </p>
        <h3>Several processes of one machine, with Redis between them</h3>
        <pre class="raw">{MACHINE}</pre>
        <h3>Two nodes over one folder, without Redis</h3>
        <p>They see each other's edits up to two seconds later.</p>
        <pre class="raw">{STORE_ONLY}</pre>
        <p class="hint">
          Several machines share a MongoDB instead of a folder. The chapter “Many nodes” of the
          operators' guide, docs/operators.md, tells all of it.
        </p>
      </div>
    </section>
  );
}
