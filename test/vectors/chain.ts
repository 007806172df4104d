import { NO_ARGS, only, REF, TestLog, type CommandResult, type Fields } from '@bailiwick/authority/testing/harness';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { grantRequest, type GrantRequest, type Limits } from '@bailiwick/contracts/grants/grant';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { Denied } from './verdict';

/** A lease in the log of a chain. */
export interface Lease {
  readonly grantId: string;
  readonly runId: string;
  readonly limits: Limits;
}

/** What no corpus limits, and therefore no translation: the widest that a root can ask for. */
export const UNLIMITED = {
  budget: { calls: 1_000, reads: 1_000, writes: 1_000, external: 1_000 },
  risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' },
} as const;
export const ANYONE = { children: 100, classes: ['*'] };

/**
 * Issues leases and asks for calls, as clients do: requests are read by the schemas of the HTTP edge. Whatever is
 * refused, denied or left to a person throws `Denied`.
 */
export class Chain {
  readonly log = new TestLog();

  constructor(now: number) {
    this.log.now = now;
  }

  root(request: unknown, agentClass = 'root'): Lease {
    const grant = read(request);
    const agent = { class: agentClass };
    const opened = this.log.try('openRun', { agent, principalRef: REF, purposeRef: REF, grant });
    const asked = 'events' in opened ? opened.events.find((event) => event.type === 'ApprovalRequested') : undefined;
    return issued(asked ? this.approve(asked) : opened);
  }

  /** Lets a person approve a lease of high risk, as any root lease for everything is. */
  private approve({ data }: EventOf<'ApprovalRequested'>): CommandResult {
    const { approvalId } = data;
    return this.log.try('decideApproval', {
      approvalId,
      verdict: 'approve',
      actor: { kind: 'person', id: 'person:ann' },
    });
  }

  /** @param by the run that delegates; by default the holder of the parent's lease */
  delegate(parent: Lease, request: unknown, agentClass = 'child', by: string = parent.runId): Lease {
    const grant = read(request);
    return issued(
      this.log.try('delegate', {
        grantId: parent.grantId,
        agent: { class: agentClass },
        purposeRef: REF,
        grant,
        actor: { kind: 'run', id: by },
      }),
    );
  }

  /** Asks for a call whose arguments and holder an enforcement point vouches for, unless `more` states otherwise. */
  call(
    grantId: string,
    verb: string,
    more: Pick<Fields<'authorize'>, 'resource'> & Partial<Fields<'authorize'>>,
  ): void {
    const proof = { vouched: true } as const;
    const result = this.log.try('authorize', { grantId, proof, ...more, action: { argsDigest: NO_ARGS, verb } });
    const events = decided(result);
    const denied = events.find((event) => event.type === 'ActionDenied');
    if (denied) throw deniedFor([], denied.data.reasons);
    const asked = events.find((event) => event.type === 'ActionStepUp');
    if (asked) throw deniedFor(['STEP_UP'], asked.data.reasons);
    only(events, 'ActionPermitted');
  }
}

function read(request: unknown): GrantRequest {
  const parsed = grantRequest.safeParse(request);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Denied([`BAD_REQUEST ${issue?.path.join('.')}`], issue?.message);
}

function issued(result: CommandResult): Lease {
  const { grantId, runId, data } = only(decided(result), 'GrantIssued');
  return { grantId: grantId as string, runId: runId as string, limits: data.limits };
}

/** Returns the events of a command that was not refused. */
function decided(result: CommandResult): Event[] {
  if ('refusal' in result) throw refusedFor(result.refusal);
  const refused = result.events.find((event) => event.type === 'DelegationRefused' || event.type === 'Refused');
  if (refused) throw refusedFor((refused as EventOf<'DelegationRefused'>).data);
  return result.events;
}

const refusedFor = ({ code, detail, reasons }: Pick<Refusal, 'code' | 'detail' | 'reasons'>): Denied =>
  // the detail of a malformed request starts with the member
  deniedFor([code === 'BAD_REQUEST' ? `${code} ${detail.split(':')[0]}` : code], reasons, detail);

const deniedFor = (codes: readonly string[], reasons: readonly Reason[] = [], detail = ''): Denied =>
  new Denied([...codes, ...codesIn(reasons)], `${detail} ${JSON.stringify(reasons)}`);

/** Returns the codes of all reasons, those of a widening with the path: `WIDENS time.expiresAt`. */
function codesIn(reasons: readonly Reason[] = []): string[] {
  return reasons.flatMap(({ code, path, reasons: inner }) => [
    ...(code === undefined ? [] : [code === 'WIDENS' ? `${code} ${path ?? ''}` : code]),
    ...codesIn(inner),
  ]);
}
