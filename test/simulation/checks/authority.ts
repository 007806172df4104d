import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, MODES, RISKS, type Limits } from '@bailiwick/contracts/grants/grant';
import { chain, covers, dead, issued, opened, quarantines, selects } from '../../properties/naive';
import { isOutcome } from '../../properties/ledger';
import { Violation, type World } from '../world';

/**
 * Checks I1, I2, I6, I7 and I8 for a whole log, from the events alone and without the code of the rules: each event
 * against the events before it.
 */
export function checkAuthority(events: readonly Event[], world: World): void {
  const ended = new Set<string>();
  events.forEach((event, i) => {
    const before = events.slice(0, i);
    if (event.type === 'ActionPermitted') checkPermit(before, event, world);
    checkPolicy(before, event, world);
    if (event.type === 'GrantIssued') checkGrant(before, event, world);
    if (isOutcome(event)) {
      const id = event.actionId as string;
      const permit = before.find((each) => each.type === 'ActionPermitted' && each.actionId === id);
      assert(permit?.runId === event.runId && !ended.has(id), event, 'I7: an outcome without an open permit');
      ended.add(id);
    }
    world.count(event.type);
  });
}

/** Every decision names the version in force, and each version follows the one before it. */
function checkPolicy(before: readonly Event[], event: Event, world: World): void {
  const last = before.findLast((each) => each.type === 'PolicyDeployed');
  const version = last?.data.version ?? 0;
  if (event.type === 'PolicyDeployed')
    assert(event.data.version === version + 1, event, 'policy: not the next version');
  if (event.type !== 'ActionPermitted' && event.type !== 'ActionDenied' && event.type !== 'ActionStepUp') return;
  assert((event.data.policy ?? 0) === version, event, 'policy: not decided under the version in force');
  if (version > 0 && event.type === 'ActionPermitted') world.count('permit under a deployed policy');
}

function assert(holds: boolean, { log, position, type }: Event, what: string): void {
  if (!holds) throw new Violation(`${what}: ${log}@${position} (${type})`);
}

function checkPermit(before: readonly Event[], permit: EventOf<'ActionPermitted'>, world: World): void {
  const grants = chain(before, permit.grantId as string);
  const why = dead(before, permit.grantId as string, Date.parse(permit.time));
  assert(why === undefined, permit, `I2: permitted although ${why}`);
  assert(
    grants[0]?.grantId === permit.grantId && grants[0]?.runId === permit.runId,
    permit,
    'I7: not under the current grant of its run',
  );
  grants.forEach((grant, up) => {
    assert(admits(grant.data.limits, permit), permit, `I1: ${grant.grantId} does not admit ${permit.data.verb}`);
    const [run, above] = [opened(before, grant.runId), grants[up + 1]];
    assert(
      run?.treeId === permit.treeId && run?.data.parentRunId === above?.runId,
      permit,
      'I7: the chain of grants has a gap',
    );
  });
  if (grants.length > 1) world.count('permit under an ancestor');
  const { approvalId, binding } = permit.data;
  if (approvalId === undefined) return;
  const asked = before.find((each) => each.type === 'ApprovalRequested' && each.data.approvalId === approvalId);
  const given = before.find((each) => each.type === 'ApprovalGiven' && each.data.approvalId === approvalId);
  const used = before.some((each) => each.type === 'ActionPermitted' && each.data.approvalId === approvalId);
  assert(
    asked?.type === 'ApprovalRequested' && asked.data.binding === binding,
    permit,
    'I8: the approval was for another call',
  );
  assert(
    given?.type === 'ApprovalGiven' && given.data.verdict === 'approve' && !used,
    permit,
    'I8: not approved, or used before',
  );
  world.count('an approval is used');
}

function checkGrant(before: readonly Event[], event: EventOf<'GrantIssued'>, world: World): void {
  const { parentId, supersedes, limits } = event.data;
  for (const id of [parentId, supersedes]) {
    const why = id === undefined ? undefined : dead(before, id, Date.parse(event.time));
    assert(why === undefined, event, `I2: issued from a grant that ${why}`);
  }
  const parent = parentId === undefined ? undefined : issued(before, parentId);
  if (parentId !== undefined)
    assert(parent !== undefined && within(limits, parent.data.limits), event, 'I1: wider than its parent');
  const run = opened(before, event.runId);
  if (parent && !supersedes) checkConcurrent(before, event, world);
  for (const rule of quarantines(before)) {
    if (rule.data.target === 'tool') continue; // it denies the tool, and no lease
    const { issuedBefore: _, ...parts } = rule.data.selector;
    const struck = run && selects(parts, { ...run.data, treeId: event.treeId as string, limits });
    assert(!struck, event, `I6: quarantined by ${rule.data.revocationId}`);
  }
  world.count(supersedes ? 'grant raised' : parentId ? 'child grant' : 'root grant');
}

/** Checks that the parent has no more children at a time than it may have, including the run of this grant. */
function checkConcurrent(before: readonly Event[], event: EventOf<'GrantIssued'>, world: World): void {
  const { concurrent } = chain(before, event.data.parentId as string)[0]?.data.limits.delegation ?? {};
  if (concurrent === undefined) return;
  const parentRunId = opened(before, event.runId)?.data.parentRunId;
  const live = before.filter(
    (each) =>
      each.type === 'RunOpened' &&
      each.data.parentRunId === parentRunId &&
      !before.some(({ runId, type }) => runId === each.runId && ENDS.includes(type)),
  );
  assert(live.length <= concurrent, event, `I1: ${live.length} children live at a time, and ${concurrent} may`);
  world.count('a child within the limit at a time');
}
const ENDS: readonly Event['type'][] = ['GrantRevoked', 'GrantExpired', 'GrantExhausted', 'RunCompleted'];

const VERBS = ['file.read', 'file.write', 'email.send', 'thing.delete', 'secret.read', 'a.b.c'];
const PLACES = [
  ['file', 'a/b'],
  ['file', 'b'],
  ['repo', 'a/c'],
] as const;

/** Reports whether a grant admits an action by verb, resource, risk and start time. */
function admits({ actions, resources, risk, time }: Limits, { data, time: at }: EventOf<'ActionPermitted'>): boolean {
  return (
    allows(actions, data.verb) &&
    covered(resources, data.resource.type, data.resource.id) &&
    RISKS.indexOf(data.risk) <= RISKS.indexOf(risk.ceiling) &&
    Date.parse(at) >= Date.parse(time.notBefore)
  );
}

const allows = ({ allow, deny }: Limits['actions'], verb: string): boolean =>
  allow.some((pattern) => covers(pattern, verb)) && !deny.some((pattern) => covers(pattern, verb));

/** Patterns in a simulation end in `**` or name one resource. */
const covered = (resources: Limits['resources'], type: string, id: string): boolean =>
  resources.some(
    (each) =>
      (each.type === '*' || each.type === type) &&
      (each.match === id || (each.match.endsWith('**') && `${id}/`.startsWith(each.match.slice(0, -2)))),
  );

/** Reports whether no dimension of the child is wider; tests actions and resources by examples. */
function within(child: Limits, parent: Limits): boolean {
  const money = Object.entries(child.budget.cost).every(([of, cap]) => cap <= (parent.budget.cost[of] ?? 0));
  return (
    Date.parse(child.time.expiresAt) <= Date.parse(parent.time.expiresAt) &&
    COUNTERS.every((counter) => child.budget[counter] <= parent.budget[counter]) &&
    money &&
    child.delegation.depth < parent.delegation.depth &&
    RISKS.indexOf(child.risk.ceiling) <= RISKS.indexOf(parent.risk.ceiling) &&
    MODES.indexOf(child.actions.mode) <= MODES.indexOf(parent.actions.mode) &&
    VERBS.every((verb) => !allows(child.actions, verb) || allows(parent.actions, verb)) &&
    PLACES.every(([type, id]) => !covered(child.resources, type, id) || covered(parent.resources, type, id))
  );
}
