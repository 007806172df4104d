import { isType, type Logged } from '../log';

/** Checks I7: exactly one outcome follows every permit, with the same lease and run. */
export function checkOutcomes(log: readonly Logged[]): string[] {
  const findings: string[] = [];
  const open = new Map<string, { grantId?: string | undefined; runId?: string | undefined }>();
  const seen = new Set<string>();
  for (const { event } of log) {
    const id = event.actionId ?? '';
    if (isType(event, 'ActionPermitted', 'ActionDenied', 'ActionStepUp')) {
      if (seen.has(id)) findings.push(`${id} is decided twice, again at ${event.position}`);
      seen.add(id);
      if (event.type === 'ActionPermitted') open.set(id, event);
    }
    if (!isType(event, 'ActionCompleted', 'ActionFailed', 'ActionAbandoned')) continue;
    const permit = open.get(id);
    if (!permit) findings.push(`${event.type} at ${event.position} has no open permit (I7)`);
    else if (permit.grantId !== event.grantId || permit.runId !== event.runId)
      findings.push(`${event.type} at ${event.position} belongs to another lease or run than its permit (I7)`);
    open.delete(id);
  }
  for (const id of open.keys()) findings.push(`${id} has no outcome (I7)`);
  return findings;
}
