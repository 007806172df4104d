import type { Event } from '@bailiwick/contracts/events/event';
import { difference } from '../../support/difference';
import type { Logged } from '../log';
import type { Exchange } from '../record';

type Type = Event['type'];
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as any HTTP client reads it
type Anything = any;
/** One acknowledged result and the event that the log must contain for it. */
interface Fact {
  readonly types: readonly Type[];
  /** the unique ID of the result */
  readonly id: string;
  readonly position: number | undefined;
  /** path in the event → acknowledged value */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Checks I4: the log contains every acknowledged result exactly once and with the acknowledged values. The reverse holds
 * as well, because every request was retried until it was answered: the log contains no other event of these types.
 */
export function checkAcknowledged(log: readonly Logged[], exchanges: readonly Exchange[]): string[] {
  const findings: string[] = [];
  const facts = exchanges.flatMap(factsOf);
  for (const types of KINDS) {
    const stored = new Map<string, Event[]>();
    for (const { event } of log) {
      if (!types.includes(event.type)) continue;
      // follows from the outcome of an action, whose answer does not name it
      if (event.type === 'RunCompleted' && event.data.reason.code === 'ENDS_ON') continue;
      const id = idOf(event);
      stored.set(id, [...(stored.get(id) ?? []), asAnswered(event)]);
    }
    const acknowledged = new Map(facts.filter((fact) => fact.types === types).map((fact) => [fact.id, fact]));
    for (const fact of acknowledged.values()) findings.push(...compare(fact, stored.get(fact.id) ?? []));
    for (const [id, events] of stored)
      if (!acknowledged.has(id))
        findings.push(`${events[0]!.type} of ${id} at ${events[0]!.position} was never acknowledged`);
  }
  const refused = log.filter(({ event }) => event.type === 'Refused' || event.type === 'DelegationRefused').length;
  const acknowledgedRefusals = exchanges.filter(({ status }) => status === 403).length;
  if (refused !== acknowledgedRefusals)
    findings.push(`${acknowledgedRefusals} refusals by a rule were acknowledged, the log contains ${refused}`);
  return findings;
}

const PERMIT: Type[] = ['ActionPermitted'];
const DENIAL: Type[] = ['ActionDenied'];
const STEP_UP: Type[] = ['ActionStepUp'];
const OUTCOME: Type[] = ['ActionCompleted', 'ActionFailed'];
const GRANT: Type[] = ['GrantIssued'];
const APPROVAL: Type[] = ['ApprovalGiven'];
const REVOCATION: Type[] = ['GrantRevoked', 'RevocationRuleAdded'];
const COMPLETION: Type[] = ['RunCompleted'];
const RENEWAL: Type[] = ['GrantRenewed'];
const NARROWING: Type[] = ['GrantNarrowed'];
const KINDS = [PERMIT, DENIAL, STEP_UP, OUTCOME, GRANT, APPROVAL, REVOCATION, COMPLETION, RENEWAL, NARROWING];
const DECIDED = { permit: PERMIT, deny: DENIAL, 'step-up': STEP_UP } as const;
const SETTLED = { completed: 'ActionCompleted', failed: 'ActionFailed' } as const;

/** The answer to an action that draws from tenant budgets states the least that they and its leases have left. */
function asAnswered(event: Event): Event {
  if (!('least' in event.data) || event.data.least === undefined) return event;
  return { ...event, data: { ...event.data, remaining: event.data.least } } as Event;
}

function idOf(event: Event): string {
  if (event.type === 'ApprovalGiven') return event.data.approvalId;
  if (event.type === 'GrantRevoked' || event.type === 'RevocationRuleAdded') return event.data.revocationId;
  if (event.type === 'RunCompleted') return event.runId ?? '';
  // a lease may be renewed or narrowed more than once
  if (event.type === 'GrantRenewed') return `${event.grantId} ${event.data.until}`;
  if (event.type === 'GrantNarrowed') return `${event.grantId} ${event.position}`;
  return (event.type === 'GrantIssued' ? event.grantId : event.actionId) ?? '';
}

function compare({ types, id, position, values }: Fact, events: readonly Event[]): string[] {
  if (events.length !== 1)
    return [`${types.join('/')} of ${id} was acknowledged and is in the log ${events.length} times`];
  const event = events[0]!;
  if (position !== undefined && event.position !== position)
    return [`${types.join('/')} of ${id} was acknowledged at ${position} and is at ${event.position}`];
  return Object.entries(values).flatMap(([path, value]) => {
    const stored = path.split('.').reduce<Anything>((at, key) => at?.[key], event);
    const found = difference(stored, value, path);
    return found === undefined ? [] : [`${event.type} of ${id} differs from the acknowledged values: ${found}`];
  });
}

function factsOf({ path, body, status, text }: Exchange): Fact[] {
  if (status < 200 || status >= 300) return [];
  const response = JSON.parse(text);
  const request = JSON.parse(body);
  if (path === '/v1/actions') return [decisionOf(request, response)];
  if (path === '/v1/actions:batch')
    return (response.answers as Anything[]).flatMap((each, i) =>
      each.error ? [] : [decisionOf(request.actions[i], each)],
    );
  const fact = (types: Type[], id: string, at: number | undefined, values: object): Fact[] => [
    { types, id, position: at, values: { ...values } },
  ];
  if (path.endsWith('/outcome')) {
    const { id, status: outcome, cost } = response.action;
    const type = SETTLED[outcome as keyof typeof SETTLED];
    return fact(OUTCOME, id, response.position, { type, 'data.cost': cost });
  }
  if (path.endsWith('/completion')) return fact(COMPLETION, response.run.id, response.position, {});
  if (path.endsWith('/renewal'))
    return fact(RENEWAL, `${response.grant.id} ${response.expiresAt}`, response.position, {});
  if (path.endsWith('/narrowing'))
    return fact(NARROWING, `${response.grant.id} ${response.position}`, response.position, {
      'data.limits': response.grant.limits,
    });
  if (path.endsWith('/revocation')) return fact(REVOCATION, response.revocationId, response.positions['default/0'], {});
  if (path === '/v1/revocations')
    return fact(REVOCATION, response.revocationId, response.positions['default/0'], {
      'data.selector': request.selector,
    });
  if (path.endsWith('/decision'))
    return [
      ...fact(APPROVAL, response.approval.id, undefined, { 'data.verdict': request.verdict }),
      ...(response.grant ? grantOf(response) : []),
    ];
  return response.grant && !/\/(suspension|resumption)$/.test(path) ? grantOf(response) : [];
}

const grantOf = ({ grant, run }: Anything): Fact[] => [
  {
    types: GRANT,
    id: grant.id,
    position: grant.position,
    values: { runId: run.id, treeId: grant.treeId, 'data.limits': grant.limits, 'data.parentId': grant.parentId },
  },
];

function decisionOf(request: Anything, response: Anything): Fact {
  const decision = response.decision as keyof typeof DECIDED;
  return {
    types: DECIDED[decision],
    id: response.actionId,
    position: response.position,
    values: {
      grantId: request.grantId,
      'data.verb': request.action.verb,
      'data.resource.id': request.resource.id,
      'data.charge.cost': request.cost ?? {},
      'data.remaining': response.remaining,
      ...(decision === 'deny' ? {} : { 'data.expiresAt': response.expiresAt }),
    },
  };
}
