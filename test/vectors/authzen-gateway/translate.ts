import { toAction } from '../../../apps/gateway/src/authzen/evaluation';
import { Chain, UNLIMITED } from '../chain';
import { compare, type Row } from '../verdict';
import subjects from './subjects.json';
import source from './vectors.json';

type Subjects = Readonly<Record<string, { readonly roles: readonly string[] } | undefined>>;
type Right = readonly [method: string, route: string];

/** What each role may do, by the page of the scenario: every role reads, and `roles` decide the rest. */
const READS: readonly Right[] = [
  ['GET', '/users/{userId}'],
  ['GET', '/todos'],
];
const RIGHTS: Readonly<Record<string, readonly Right[]>> = {
  viewer: [],
  editor: [
    ['POST', '/todos'],
    ['PUT', '/todos/{todoId}'],
    ['DELETE', '/todos/{todoId}'],
  ],
  admin: [
    ['POST', '/todos'],
    ['DELETE', '/todos/{todoId}'],
  ],
  evil_genius: [['PUT', '/todos/{todoId}']],
};

/** Returns the request for a lease for the routes of the roles of a subject; `{todoId}` is part of a name there. */
export function leaseOf(subject: string): object {
  const { roles } = (subjects as Subjects)[subject] as { readonly roles: readonly string[] };
  const rights = [...READS, ...roles.flatMap((role) => RIGHTS[role] as readonly Right[])];
  return {
    actions: { allow: [...new Set(rights.map(([method]) => method))] },
    resources: [...new Set(rights.map(([, match]) => match))].map((match) => ({ type: 'route', match, literal: true })),
    budget: UNLIMITED.budget,
    risk: { ceiling: 'high', approvalFrom: 'irreversible' },
  };
}

/** Sends the evaluation as the scenario has it, with the id of the lease of its subject as the subject. */
function decide({ subject, ...rest }: (typeof source.evaluation)[number]['request']): void {
  const chain = new Chain(Date.parse('2026-01-01T00:00:00Z'));
  const lease = chain.root(leaseOf(subject.id));
  const { request } = toAction({ ...rest, subject: { type: 'grant', id: lease.grantId } });
  chain.call(lease.grantId, request.action.verb, { resource: request.resource });
}

/** The scenario states no reasons: a right of another role is a verb or a resource that the lease lacks. */
const NOT_COVERED = /^(ACTION|RESOURCE)_NOT_ALLOWED$/;

/** Decides the evaluations of the API gateway scenario of AuthZEN. */
export const authzenGateway = (): Row[] =>
  source.evaluation.map(({ request, expected }, at) =>
    compare(`${at + 1} ${request.action.name} ${request.resource.id}`, expected ? 'permit' : NOT_COVERED, () =>
      decide(request),
    ),
  );
