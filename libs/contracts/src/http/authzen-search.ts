import { z } from 'zod';

/*
 * Searches of the AuthZEN Authorization API 1.0 §8. Members that are not defined are ignored, as it requires: so an id of
 * what is searched for is, too.
 */

const properties = z.record(z.string(), z.unknown()).optional();
const subject = z.looseObject({ type: z.string(), id: z.string(), properties });
const action = z.looseObject({ name: z.string(), properties });
const resource = z.looseObject({ type: z.string(), id: z.string(), properties });
const common = {
  context: z.record(z.string(), z.unknown()).optional(),
  page: z
    .looseObject({
      /** `next_token` of a page: the request must be the same otherwise */
      token: z.string().min(1).optional(),
      /** a page has at most this many results, and never more than 100 */
      limit: z.number().int().min(1).optional(),
      properties,
    })
    .optional(),
};

export const subjectSearchBody = z.looseObject({
  subject: z.looseObject({ type: z.string(), properties }),
  action,
  resource,
  ...common,
});
export const resourceSearchBody = z.looseObject({
  subject,
  action,
  resource: z.looseObject({ type: z.string(), properties }),
  ...common,
});
export const actionSearchBody = z.looseObject({ subject, resource, ...common });

const page = z.object({
  /** empty on the last page */
  next_token: z.string(),
  count: z.number(),
});
export const entitiesAnswer = z.object({ results: z.array(z.object({ type: z.string(), id: z.string() })), page });
export const actionsAnswer = z.object({ results: z.array(z.object({ name: z.string() })), page });
