import { erasureAnswer, erasureBody, erasurePreviewBody } from '@bailiwick/contracts/http';
import { erasurePreviewView } from '@bailiwick/contracts/query';
import { logName } from '@bailiwick/core/ids';
import { payloadOf } from '../auth/pseudonyms';
import { route, type Route } from '../http/route';

/** Erasing what the log keeps in words about a person. */
export const erasureRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/erasures/preview',
    summary: 'Count what an erasure of a person would erase',
    roles: ['admin'],
    body: erasurePreviewBody,
    answer: erasurePreviewView,
    async handle({ caller, services, body }) {
      const subjectRef = services.pseudonyms.ref(caller.tenant, 'person', body.subject);
      return { body: await services.owners.query({ op: 'erasure', log: logName(caller.tenant, 0), subjectRef }) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/erasures',
    summary: 'Erase what is kept in words about a person; the events stay as they are',
    roles: ['admin'],
    body: erasureBody,
    answer: erasureAnswer,
    async handle(context) {
      const { caller, services, body } = context;
      const command = context.command('erase', logName(caller.tenant, 0), {
        subjectRef: services.pseudonyms.ref(caller.tenant, 'person', body.subject),
        ...(body.earlierReasons ? { earlierReasons: true as const } : {}),
        ...(body.reason === undefined ? {} : { payload: payloadOf({ reason: body.reason }) }),
      });
      return { body: await services.owners.command(command) };
    },
  }),
];
