import type { Event } from '@bailiwick/contracts/event';
import { difference } from '../../support/difference';
import type { Logged } from '../log';
import type { Exchange } from '../record';

type Type = Event['type'];
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a stranger reads it
type Anything = any;
/** One thing that a client was told, and what must stand in the log for it. */
interface Fact {
  readonly types: readonly Type[];
  /** what it is known by, and nothing else is */
  readonly id: string;
  readonly position: number | undefined;
  /** what was told of it, by where it stands in the event */
  readonly says: Readonly<Record<string, unknown>>;
}

/**
 * I4: what was acknowledged stands in the log, once, as it was told. And the other way round, since every request was
 * asked until it was answered: the log holds nothing of these kinds that nobody was told.
 */
export function checkAcknowledged(log: readonly Logged[], exchanges: readonly Exchange[]): string[] {
  const findings: string[] = [];
  const facts = exchanges.flatMap(factsOf);
  for (const types of KINDS) {
    const stored = new Map<string, Event[]>();
    for (const { event } of log) {
      if (!types.includes(event.type)) continue;
      const id = idOf(event);
      stored.set(id, [...(stored.get(id) ?? []), event]);
    }
    const told = new Map(facts.filter((fact) => fact.types === types).map((fact) => [fact.id, fact]));
    for (const fact of told.values()) findings.push(...compare(fact, stored.get(fact.id) ?? []));
    for (const [id, events] of stored)
      if (!told.has(id)) findings.push(`${events[0]!.type} of ${id} at ${events[0]!.position} was told to nobody`);
  }
  const refused = log.filter(({ event }) => event.type === 'Refused' || event.type === 'DelegationRefused').length;
  const toldNo = exchanges.filter(({ status }) => status === 403).length;
  if (refused !== toldNo) findings.push(`${toldNo} refusals by a rule were told, and the log holds ${refused}`);
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
const KINDS = [PERMIT, DENIAL, STEP_UP, OUTCOME, GRANT, APPROVAL, REVOCATION, COMPLETION];
const DECIDED = { permit: PERMIT, deny: DENIAL, 'step-up': STEP_UP } as const;
const SETTLED = { completed: 'ActionCompleted', failed: 'ActionFailed' } as const;

function idOf(event: Event): string {
  if (event.type === 'ApprovalGiven') return event.data.approvalId;
  if (event.type === 'GrantRevoked' || event.type === 'RevocationRuleAdded') return event.data.revocationId;
  if (event.type === 'RunCompleted') return event.runId ?? '';
  return (event.type === 'GrantIssued' ? event.grantId : event.actionId) ?? '';
}

function compare({ types, id, position, says }: Fact, events: readonly Event[]): string[] {
  if (events.length !== 1) return [`${types.join('/')} of ${id} was acknowledged and stands ${events.length} times`];
  const event = events[0]!;
  if (position !== undefined && event.position !== position)
    return [`${types.join('/')} of ${id} was told to be at ${position} and is at ${event.position}`];
  return Object.entries(says).flatMap(([path, value]) => {
    const there = path.split('.').reduce<Anything>((at, key) => at?.[key], event);
    const found = difference(there, value, path);
    return found === undefined ? [] : [`${event.type} of ${id} stands otherwise than it was told: ${found}`];
  });
}

function factsOf({ path, body, status, text }: Exchange): Fact[] {
  if (status < 200 || status >= 300) return [];
  const told = JSON.parse(text);
  const asked = JSON.parse(body);
  if (path === '/v1/actions') return [decisionOf(asked, told)];
  if (path === '/v1/actions:batch')
    return (told.answers as Anything[]).flatMap((each, i) => (each.error ? [] : [decisionOf(asked.actions[i], each)]));
  const fact = (types: Type[], id: string, at: number | undefined, says: object): Fact[] => [
    { types, id, position: at, says: { ...says } },
  ];
  if (path.endsWith('/outcome')) {
    const { id, status: outcome, cost } = told.action;
    const type = SETTLED[outcome as keyof typeof SETTLED];
    return fact(OUTCOME, id, told.position, { type, 'data.cost': cost });
  }
  if (path.endsWith('/completion')) return fact(COMPLETION, told.run.id, told.position, {});
  if (path.endsWith('/revocation')) return fact(REVOCATION, told.revocationId, told.positions['default/0'], {});
  if (path === '/v1/revocations')
    return fact(REVOCATION, told.revocationId, told.positions['default/0'], { 'data.selector': asked.selector });
  if (path.endsWith('/decision'))
    return [
      ...fact(APPROVAL, told.approval.id, undefined, { 'data.verdict': asked.verdict }),
      ...(told.grant ? grantOf(told) : []),
    ];
  return told.grant && !path.endsWith('/resumption') ? grantOf(told) : [];
}

const grantOf = ({ grant, run }: Anything): Fact[] => [
  {
    types: GRANT,
    id: grant.id,
    position: grant.position,
    says: { runId: run.id, treeId: grant.treeId, 'data.limits': grant.limits, 'data.parentId': grant.parentId },
  },
];

function decisionOf(asked: Anything, told: Anything): Fact {
  const decision = told.decision as keyof typeof DECIDED;
  return {
    types: DECIDED[decision],
    id: told.actionId,
    position: told.position,
    says: {
      grantId: asked.grantId,
      'data.verb': asked.action.verb,
      'data.resource.id': asked.resource.id,
      'data.charge.cost': asked.cost ?? {},
      'data.remaining': told.remaining,
      ...(decision === 'deny' ? {} : { 'data.expiresAt': told.expiresAt }),
    },
  };
}
