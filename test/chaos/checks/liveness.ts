import type { EventOf } from '@bailiwick/contracts/events/event';
import { isType, type Logged } from '../log';

interface Node {
  readonly parentId: string | undefined;
  readonly runId: string;
  readonly position: number;
  readonly agentClass: string;
  ended: string | undefined;
  suspended: boolean;
}

/** Checks I2, I6, I8: no permit follows the end of its lease or of an ancestor; an approval is used by one permit. */
export function checkLiveness(log: readonly Logged[]): string[] {
  const findings: string[] = [];
  const grants = new Map<string, Node>();
  const classes = new Map<string, string>();
  const rules: EventOf<'RevocationRuleAdded'>[] = [];
  const approvals = new Map<string, 'approve' | 'deny' | 'used'>();
  const grantOfRun = new Map<string, string>();
  const end = (grantId: string | undefined, how: string): void => {
    const node = grants.get(grantId ?? '');
    if (node) node.ended ??= how;
  };
  for (const { event } of log) {
    const at = `at ${event.position}`;
    if (isType(event, 'RunOpened')) classes.set(event.runId ?? '', event.data.agent.class);
    if (isType(event, 'GrantIssued')) {
      const [id, runId] = [event.grantId ?? '', event.runId ?? ''];
      const { parentId } = event.data;
      const why = whyDead(grants, rules, parentId);
      if (why !== undefined) findings.push(`${id} was issued ${at} below ${why} (I2)`);
      const agentClass = classes.get(runId) ?? '';
      grants.set(id, { parentId, runId, position: event.position, agentClass, ended: undefined, suspended: false });
      grantOfRun.set(runId, id);
    }
    if (isType(event, 'GrantRevoked', 'GrantExpired', 'GrantExhausted')) end(event.grantId, `${event.type} ${at}`);
    if (isType(event, 'RunCompleted')) end(grantOfRun.get(event.runId ?? ''), `${event.type} ${at}`);
    if (isType(event, 'GrantSuspended', 'GrantResumed')) {
      const node = grants.get(event.grantId ?? '');
      if (node) node.suspended = event.type === 'GrantSuspended';
    }
    if (isType(event, 'RevocationRuleAdded')) rules.push(event);
    if (isType(event, 'ApprovalGiven')) {
      const { approvalId, verdict } = event.data;
      if (approvals.has(approvalId)) findings.push(`${approvalId} is decided again ${at} (I8)`);
      approvals.set(approvalId, verdict);
    }
    if (isType(event, 'ActionPermitted')) {
      const why = whyDead(grants, rules, event.grantId);
      if (why !== undefined) findings.push(`a permit was issued ${at} under ${why} (I2)`);
      const { approvalId } = event.data;
      if (approvalId === undefined) continue;
      const answer = approvals.get(approvalId);
      if (answer !== 'approve') findings.push(`the permit ${at} uses ${approvalId}, whose state is ${answer} (I8)`);
      approvals.set(approvalId, 'used');
    }
  }
  return findings;
}

/** Explains why a grant allows no permit; undefined if it is live. The rules of this load select by agent class only. */
function whyDead(
  grants: ReadonlyMap<string, Node>,
  rules: readonly EventOf<'RevocationRuleAdded'>[],
  grantId: string | undefined,
): string | undefined {
  for (let id = grantId; id !== undefined;) {
    const node = grants.get(id);
    if (!node) return `${id}, which was not issued`;
    if (node.ended !== undefined) return `${id}, which has ended: ${node.ended}`;
    if (node.suspended) return `${id}, which is suspended`;
    const rule = rules.find(
      ({ position, data }) => position > node.position && data.selector.agentClass === node.agentClass,
    );
    if (rule) return `${id}, which the rule at ${rule.position} revokes`;
    id = node.parentId;
  }
  return undefined;
}
