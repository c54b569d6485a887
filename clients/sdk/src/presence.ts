import type { Json } from "bandpro-score";
import type { Awareness } from "y-protocols/awareness";
import { type Fields, isFields, textIn } from "./fields.ts";
import type { Job } from "./http/jobs.ts";
import { Cell, Derived, type Store } from "./store.ts";

/** A place in a score; `onset` in quarter notes from the measure's start. */
export interface Place {
  readonly measure: string;
  readonly part?: string;
  readonly onset?: readonly [numerator: number, denominator: number];
  readonly voice?: number;
  readonly staff?: number;
}

/** What a person shows the others. */
export interface Shown {
  /** Counts where the server asks for no tokens; elsewhere it is the token's. */
  readonly name?: string;
  readonly color?: string;
  readonly cursor?: Place | null;
  /** Ids of elements. */
  readonly selection?: readonly string[];
  /** The client id of whoever this person follows. */
  readonly following?: number | null;
  readonly [more: string]: Json | Place | undefined;
}

/** Somebody in the room; with tokens, `id` and `name` are theirs, whatever their client said. */
export interface Person extends Shown {
  readonly clientId: number;
  readonly id: string;
  readonly name: string;
  readonly color: string;
}

/** A job on the score, as everybody in the room is told of it. */
export interface LiveJob extends Pick<Job, "kind" | "format" | "state" | "progress"> {
  readonly jobId: string;
}

type Changed = Readonly<Record<"added" | "updated" | "removed", readonly number[]>>;
type States = ReadonlyMap<number, Fields>;

/** Who else is here, and what they show. */
export class Presence {
  readonly people: Store<readonly Person[]>;
  /** What the server does on the score now. */
  readonly jobs: Store<readonly LiveJob[]>;
  readonly own: Store<Shown>;
  readonly #people: Derived<readonly Person[]>;
  readonly #jobs: Derived<readonly LiveJob[]>;
  readonly #own: Cell<Shown>;
  #awareness: Awareness | null = null;
  /** Client ids under which jobs are shown. */
  #workers: ReadonlySet<number> = new Set();

  constructor(report: (thrown: unknown) => void) {
    this.people = this.#people = new Derived(() => peopleIn(this.#states(), this.clientId), report);
    this.jobs = this.#jobs = new Derived(() => jobsIn(this.#states()), report);
    this.own = this.#own = new Cell<Shown>({}, report);
  }

  /** Under which this person is here now; another one after a reload. */
  get clientId(): number {
    return this.#awareness?.clientID ?? 0;
  }

  /** Shows these parts, and what was shown before of the others. */
  show(part: Shown): void {
    this.#own.set({ ...this.#own.get(), ...part });
    this.#announce();
  }

  /** Goes on in another document. */
  use(awareness: Awareness): void {
    this.#awareness = awareness;
    this.#announce();
    awareness.on("change", ({ added, updated, removed }: Changed) => {
      this.#changed([...added, ...updated, ...removed]);
    });
    this.#workers = workersIn(this.#states());
    this.#people.stale();
    this.#jobs.stale();
  }

  #states(): States {
    return (this.#awareness?.getStates() ?? new Map()) as States;
  }

  #announce(): void {
    const { name, color, ...rest } = this.#own.get();
    this.#awareness?.setLocalState({ ...rest, user: { name, color } });
  }

  /** A cursor that moves is no news of jobs, and one's own none of anybody. */
  #changed(clientIds: readonly number[]): void {
    const others = clientIds.filter((clientId) => clientId !== this.clientId);
    if (others.length === 0) return;
    const were = this.#workers;
    this.#workers = workersIn(this.#states());
    this.#people.stale();
    if (others.some((id) => were.has(id) || this.#workers.has(id))) this.#jobs.stale();
  }
}

/** People among awareness states, in order of client id. */
export function peopleIn(states: States, own: number): readonly Person[] {
  return [...states]
    .filter(([clientId, state]) => clientId !== own && isFields(state["user"]))
    .sort(([one], [other]) => one - other)
    .map(([clientId, { user, ...shown }]) => ({
      ...(shown as Shown),
      clientId,
      id: textIn(user, "id"),
      name: textIn(user, "name"),
      color: textIn(user, "color"),
    }));
}

/** Jobs among awareness states: the server shows them under a client id of its own. */
export function jobsIn(states: States): readonly LiveJob[] {
  return [...states.values()]
    .flatMap((state) => (showsJobs(state) ? Object.entries(state["jobs"]) : []))
    .map(([jobId, facts]) => ({ ...(facts as Omit<LiveJob, "jobId">), jobId }));
}

function workersIn(states: States): ReadonlySet<number> {
  return new Set([...states].flatMap(([clientId, state]) => (showsJobs(state) ? [clientId] : [])));
}

function showsJobs(state: Fields): state is Fields & { readonly jobs: Fields } {
  return isFields(state["jobs"]) && !("user" in state);
}
