import type { ComponentChildren, JSX } from "preact";

/*
 * A table whose rows become cards on narrow screens. The roles are spelled out because browsers
 * forget those of a table that is not laid out as one; each cell then shows the name of its column.
 */

interface TableProps {
  titledBy: string;
  testId: string;
  /** `GridColumn`s. */
  columns: ComponentChildren;
  children: ComponentChildren;
}

export function GridTable({ titledBy, testId, columns, children }: TableProps): JSX.Element {
  return (
    <div class="wide">
      <table class="grid-table" role="table" aria-labelledby={titledBy} data-testid={testId}>
        <thead role="rowgroup">
          <tr role="row">{columns}</tr>
        </thead>
        <tbody role="rowgroup">{children}</tbody>
      </table>
    </div>
  );
}

interface ColumnProps {
  sorted?: "ascending" | "descending" | undefined;
  children: ComponentChildren;
}

export function GridColumn({ sorted, children }: ColumnProps): JSX.Element {
  return (
    <th role="columnheader" scope="col" aria-sort={sorted}>
      {children}
    </th>
  );
}

interface RowProps {
  kind?: string;
  "data-node"?: string;
  "data-room"?: string;
  "data-state"?: string;
  children: ComponentChildren;
}

export function GridRow({ kind, children, ...handles }: RowProps): JSX.Element {
  return (
    <tr role="row" class={kind} {...handles}>
      {children}
    </tr>
  );
}

export function RowHead({ kind, children }: { kind: string; children: ComponentChildren }) {
  return (
    <th role="rowheader" scope="row" class={kind}>
      {children}
    </th>
  );
}

interface CellProps {
  name: string;
  kind?: string;
  children: ComponentChildren;
}

export function Cell({ name, kind, children }: CellProps): JSX.Element {
  return (
    <td role="cell" class={kind} data-name={name}>
      <span class="cell-name" aria-hidden="true">
        {name}
      </span>
      <div>{children}</div>
    </td>
  );
}
