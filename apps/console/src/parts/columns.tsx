import type { ReactNode } from 'react';

/** The head of a table. `right` are the columns of numbers. */
export function Columns({ of, right = [] }: { of: readonly string[]; right?: readonly string[] }): ReactNode {
  return (
    <thead>
      <tr>
        {of.map((name) => (
          <th key={name} scope="col" className={right.includes(name) ? 'right' : undefined}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}
