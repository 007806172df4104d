import { logNameSchema } from '@bailiwick/contracts/primitives';
import type { Order } from '@bailiwick/contracts/queries/search';
import { z } from 'zod';
import type { Place } from '../read-models/items.repository';

/** Where a page of one log ends. */
export type Spot = Omit<Place, 'log'>;

/** Before the first row of a log, in either order. */
export const startOf = (order: Order): Spot =>
  order === 'newest' ? { position: Number.MAX_SAFE_INTEGER, id: '' } : { position: -1, id: '' };

/** Where a list continues: after a row of a log, for the same list with the same filters. */
export type Cursor = Place & {
  /** a digest of the list and its filters */
  readonly question: string;
};

const schema = z.tuple([
  z.string().regex(/^[0-9a-f]{16}$/),
  logNameSchema,
  z.number().int().min(-1),
  z.string().regex(/^[\w/-]{0,200}$/),
]);

export const encodeCursor = ({ question, log, position, id }: Cursor): string =>
  Buffer.from(JSON.stringify([question, log, position, id])).toString('base64url');

/** @returns undefined if `encodeCursor` cannot have produced the text */
export function decodeCursor(cursor: string): Cursor | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (!parsed.success) return undefined;
    const [question, log, position, id] = parsed.data;
    return { question, log, position, id };
  } catch {
    return undefined;
  }
}
