import { z } from 'zod';
import { RECEIPT_SCHEMAS } from '@bailiwick/contracts/receipt-schema';
import { Refused } from '../http/problem';
import { route, type Route } from '../http/route';

/** Schemas of what this service signs: public, since whoever is shown a receipt must be able to read it. */
export const schemaRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/schemas/:name',
    summary: `The JSON Schema of a receipt's predicate: ${[...RECEIPT_SCHEMAS.keys()].join(', ')}`,
    roles: 'public',
    params: z.strictObject({ name: z.string().max(80) }),
    handle({ params }) {
      const schema = RECEIPT_SCHEMAS.get(params.name);
      if (!schema) throw new Refused('NOT_FOUND', `no schema ${params.name} is published here`);
      return Promise.resolve({
        text: JSON.stringify(schema),
        type: 'application/schema+json',
        headers: { 'cache-control': 'public, max-age=86400' },
      });
    },
  }),
];
