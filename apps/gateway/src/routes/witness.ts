import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problem';
import { route, type Route } from '../http/route';

interface WitnessAnswer {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

const CODES = { 400: 'BAD_REQUEST', 403: 'FORBIDDEN', 404: 'NOT_FOUND', 422: 'UNPROCESSABLE' } as const;

/** What we are to others' logs: a witness of their checkpoints (C2SP tlog-witness). */
export const witnessRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/witness/vkey',
    summary: 'The verifier key under which this installation cosigns checkpoints of other logs (C2SP tlog-cosignature)',
    roles: 'public',
    async handle({ services }) {
      const text = await services.owners.ledger<string>('witness-vkey', {});
      return { text, type: 'text/plain; charset=utf-8' };
    },
  }),
  route({
    method: 'POST',
    path: '/witness/add-checkpoint',
    summary: 'Has a checkpoint cosigned that continues the last one of its log (C2SP tlog-witness)',
    roles: 'public',
    takesText: LIMITS.submissionBytes,
    async handle({ services, body }) {
      const { status, text, type } = await services.owners.ledger<WitnessAnswer>('add-checkpoint', {
        submission: body,
      });
      if (type === undefined) throw new Refused(CODES[status as keyof typeof CODES], text);
      return { status, text, type };
    },
  }),
];
