import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';

/** Reports whether an entry takes something from the arguments of a call, or states an amount. */
export const takesFromArguments = ({ resource, attributes, cost, units }: CatalogEntry): boolean =>
  (resource ?? attributes ?? cost ?? units) !== undefined;
