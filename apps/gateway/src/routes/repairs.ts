import { repairAnswer, repairBody } from '@bailiwick/contracts/http';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import { unreadableView } from '@bailiwick/contracts/query';
import { logName, parseLogName } from '@bailiwick/core/ids';
import { z } from 'zod';
import type { Caller } from '../auth/caller';
import { payloadOf } from '../auth/pseudonyms';
import { Refused } from '../http/problem';
import { route, type Route } from '../http/route';

/** A log of the caller's tenant; its first where none is named (I9). */
function ownLog({ tenant }: Pick<Caller, 'tenant'>, name = logName(tenant, 0)): string {
  const named = parseLogName(name);
  if (named.tenant !== tenant || name !== logName(tenant, named.n))
    throw new Refused('NOT_FOUND', `no log ${name} is known here`);
  return name;
}

/** Stored events that cannot be read: looked at, and set aside once an operator has examined them. */
export const repairRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/log/unreadable',
    summary: 'The stored events of a log that cannot be read, and what each of them holds up',
    roles: ['admin', 'analyst'],
    query: z.strictObject({ log: logNameSchema.optional() }),
    answer: unreadableView,
    async handle({ caller, services, query }) {
      return { body: await services.owners.query({ op: 'unreadable', log: ownLog(caller, query.log) }) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/log/repairs',
    summary: 'Set an unreadable event aside: the tree that it names is ended, and it holds nothing up any longer',
    roles: ['admin'],
    body: repairBody,
    answer: repairAnswer,
    async handle(context) {
      const { caller, services, body } = context;
      const { position, bodyDigest, reason } = body;
      const command = context.command('setAsideEvent', ownLog(caller, body.log), {
        position,
        bodyDigest,
        ...(reason === undefined ? {} : { payload: payloadOf({ reason }) }),
      });
      return { body: await services.owners.command(command) };
    },
  }),
];
