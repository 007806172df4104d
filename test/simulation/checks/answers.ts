import type { Answer, Command, CommandType } from '@bailiwick/contracts/commands/command';
import { CODES, type Code } from '@bailiwick/contracts/error-codes';
import type { Event, EventType } from '@bailiwick/contracts/events/event';
import { canonicalize } from '@bailiwick/core/canonical';
import type { Database } from '../database';
import type { Witness } from '../instance';
import { isRetryable, type Sent } from '../clients';
import type { World } from '../world';

/** The main events of each command: it writes exactly one of them, in addition to any events for grants that end with it. */
const MAIN_EVENTS: Record<CommandType, readonly EventType[]> = {
  openRun: ['RunOpened'],
  delegate: ['RunOpened', 'DelegationRefused'],
  authorize: ['ActionPermitted', 'ActionDenied', 'ActionStepUp'],
  settle: ['ActionCompleted', 'ActionFailed', 'OutcomeReportedLate'],
  completeRun: ['RunCompleted'],
  escalate: ['ApprovalRequested'],
  decideApproval: ['ApprovalGiven', 'ApprovalAnswered', 'ApprovalWithdrawn'],
  suspend: ['GrantSuspended'],
  resume: ['GrantResumed'],
  renew: ['GrantRenewed'],
  narrow: ['GrantNarrowed'],
  revokeGrant: ['GrantRevoked'],
  revokeSelector: ['RevocationRuleAdded'],
  liftQuarantine: ['QuarantineLifted'],
  liftSuspension: ['SuspensionLifted'],
  setTenantBudget: ['TenantBudgetSet'],
  removeTenantBudget: ['TenantBudgetRemoved'],
  deployPolicy: ['PolicyDeployed', 'PolicyShadowed'],
  requestAccess: ['AccessRequested'],
  withdrawRequest: ['ApprovalWithdrawn'],
  recordKey: ['KeyChanged'],
  recordMcpApproval: ['McpServerApproved'],
  recordMcpServer: ['McpServerChanged'],
  recordWebhook: ['WebhookChanged'],
  recordSession: ['SessionChanged'],
  recordSignal: ['SignalReceived'],
  erase: ['PayloadsErased'],
  setAsideEvent: ['EventSetAside'],
  recordDrift: ['DriftScored'],
  recordRefusal: ['Refused', 'RefusalsSummarized'],
  tick: [],
  summarizeRefusals: ['RefusalsSummarized'],
};

/**
 * Checks I4: no command is acknowledged before its commit, and every acknowledged command is in the log exactly once.
 * Checks each answer when it leaves its owner, against the content of the database at that moment.
 */
export class Answers implements Witness {
  /** log → one past the newest position that a client has received */
  private readonly acknowledged = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly database: Database,
  ) {}

  received(log: string, answer: Answer): void {
    const { position } = (answer.ok ? answer.value : {}) as { position?: number };
    if (position !== undefined) this.acknowledged.set(log, Math.max(this.acknowledged.get(log) ?? 0, position + 1));
  }

  /** Checks I11: only the newest owner answers. */
  checkOwner(log: string, epoch: number): void {
    const newest = this.database.epochs.get(log);
    this.world.assert(epoch === newest, () => `I11: the owner of ${log} in epoch ${epoch} answers in epoch ${newest}`);
  }

  isExecuted(log: string, { commandId }: Command): boolean {
    return this.database.eventsOf(log, commandId).length > 0;
  }

  checkAnswer(log: string, command: Command, answer: Answer, before: Parameters<Witness['checkAnswer']>[3]): void {
    if (isRetryable(answer)) return;
    const { done, least, known } = before;
    const events = this.database.eventsOf(log, command.commandId);
    const describe = (): string =>
      `${command.type} ${command.commandId} returns ${JSON.stringify(answer).slice(0, 300)}`;
    if (answer.ok) {
      const { position } = answer.value as { position: number };
      this.world.assert(
        events.some((event) => event.position === position),
        () => `I4: ${describe()}, but ${log} has no such event`,
      );
      return;
    }
    const code = answer.refusal.code as Code;
    const written = events.some((event) => 'code' in event.data && event.data.code === code);
    if (CODES[code] === 403)
      return this.world.assert(written, () => `I4: ${describe()}, but ${log} has no such refusal`);
    // other refusals are not written: of two copies of a command, one may be refused as too early and the other succeed
    this.world.assert(!done, () => `I4: ${describe()} although it was executed at ${events[0]?.position}`);
    this.world.assert(
      known >= least,
      () => `I11: ${describe()} by an owner that isExecuted ${known} events of ${log}, but ${least} were acknowledged`,
    );
  }

  checkRead(log: string, asOf: number, least: number): void {
    this.world.assert(asOf >= least, () => `I11: ${log} is read as of ${asOf}, but ${least} events were acknowledged`);
  }

  /** Returns the number of events of a log that are known to clients. */
  acknowledgedIn(log: string): number {
    return this.acknowledged.get(log) ?? 0;
  }

  /** Compares every answer with the log and with the other answers to the same command, at the end of a simulation. */
  checkAll(all: readonly Sent[]): void {
    for (const { command, answers } of all) {
      const events = this.database.eventsOf(command.log, command.commandId);
      this.checkSingleExecution(command, events);
      const kept = answers.map((text) => JSON.parse(text) as Answer).filter(isKept);
      for (const answer of kept) this.checkAgainstLog(command, answer, events);
      const [first, ...rest] = kept.map((answer) => canonicalize(withoutPresent(command.type, answer)));
      for (const other of rest)
        this.world.assert(
          other === first,
          () => `I4: ${command.type} ${command.commandId} returned ${first} first and then ${other}`,
        );
      if (rest.length > 0) this.world.count('a retry returns the first answer');
    }
  }

  /** Checks that the events of a command are adjacent and that it was executed at most once. */
  private checkSingleExecution({ commandId, type }: Command, events: readonly Event[]): void {
    const first = events[0]?.position ?? 0;
    this.world.assert(
      events.every((event, i) => event.position === first + i),
      () =>
        `I4: ${type} ${commandId} was executed more than checkSingleExecution, at ${events.map(({ position }) => position).join(', ')}`,
    );
    const mainEvents = events.filter((event) => event.type === 'Refused' || MAIN_EVENTS[type].includes(event.type));
    this.world.assert(
      mainEvents.length === (events.length > 0 ? 1 : 0),
      () => `I4: ${type} ${commandId} wrote ${events.map((event) => event.type).join(', ')}`,
    );
  }

  /** Checks that an answer matches the events in the log. */
  private checkAgainstLog(command: Command, answer: Answer, events: readonly Event[]): void {
    const find = <T extends EventType>(type: T) =>
      events.find((event): event is Extract<Event, { type: T }> => event.type === type);
    const value = (answer.ok ? answer.value : {}) as Acknowledged;
    const decided = find('ActionPermitted') ?? find('ActionDenied') ?? find('ActionStepUp');
    const requested = find('ApprovalRequested')?.data.approvalId ?? find('ApprovalGiven')?.data.approvalId;
    const revoked = find('GrantRevoked')?.data.revocationId ?? find('RevocationRuleAdded')?.data.revocationId;
    const pairs: Record<string, readonly [unknown, unknown]> = {
      grant: [
        value.grant?.id,
        find('GrantIssued')?.grantId ??
          find('GrantSuspended')?.grantId ??
          find('GrantResumed')?.grantId ??
          find('GrantRenewed')?.grantId ??
          find('GrantNarrowed')?.grantId,
      ],
      decision: [value.decision, decided && DECISIONS[decided.type]],
      action: [value.actionId, decided?.actionId],
      approval: [value.approval?.id, decided ? undefined : requested],
      revocation: [
        value.revocationId,
        revoked ?? find('QuarantineLifted')?.data.revocationId ?? find('SuspensionLifted')?.data.revocationId,
      ],
    };
    for (const [what, [returned, logged]] of Object.entries(pairs)) {
      // a refusal carries no IDs; recordDrift and settle may suspend a grant, but return the score and the action
      const suspends = command.type === 'recordDrift' || command.type === 'settle';
      if (!answer.ok || (what === 'grant' && suspends)) continue;
      this.world.assert(
        returned === logged,
        () =>
          `I4: ${command.type} ${command.commandId} returned ${what} ${String(returned)}, but the log contains ${String(logged)}`,
      );
    }
  }
}

interface Acknowledged {
  grant?: { id: string };
  decision?: string;
  actionId?: string;
  approval?: { id: string };
  revocationId?: string;
}
const DECISIONS = { ActionPermitted: 'permit', ActionDenied: 'deny', ActionStepUp: 'step-up' } as const;

/** Reports whether an answer is recorded in the log, so that every retry must return it. */
/** What an answer shows as it is now, also to a retry: a renewal or a narrowing may have come between. */
const PRESENT: Partial<Record<CommandType, readonly (readonly [of: 'grant' | 'run', member: string])[]>> = {
  suspend: [['grant', 'limits']],
  resume: [['grant', 'limits']],
  renew: [['grant', 'limits']],
  escalate: [['run', 'expiresAt']],
};

function withoutPresent(type: CommandType, answer: Answer): Answer {
  const { [type]: present } = PRESENT;
  if (!answer.ok || !present) return answer;
  const value = structuredClone(answer.value) as Record<string, Record<string, unknown> | undefined>;
  for (const [of, member] of present) delete value[of]?.[member];
  return { ...answer, value };
}

const isKept = (answer: Answer): boolean => answer.ok || CODES[answer.refusal.code as Code] === 403;
