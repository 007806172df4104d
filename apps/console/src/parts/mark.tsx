import type { ReactNode } from 'react';

/** The sign of the product. */
export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="8" />
      <path d="M9.5 8v16M9.5 8H17a4 4 0 0 1 0 8H9.5m0 0H19a4 4 0 0 1 0 8H9.5" />
    </svg>
  );
}
