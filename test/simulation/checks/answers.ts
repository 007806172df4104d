import type { Answer, Command, CommandType } from '@bailiwick/contracts/command';
import { CODES, type Code } from '@bailiwick/contracts/codes';
import type { Event, EventType } from '@bailiwick/contracts/event';
import { canonicalize } from '@bailiwick/core/canonical';
import type { Database } from '../database';
import type { Witness } from '../instance';
import { isAgain, type Sent } from '../clients';
import type { World } from '../world';

/** What a command may make: of one of these lists exactly one event, whatever else it ends by the way. */
const HEADS: Record<CommandType, readonly EventType[]> = {
  openRun: ['RunOpened'],
  delegate: ['RunOpened', 'DelegationRefused'],
  authorize: ['ActionPermitted', 'ActionDenied', 'ActionStepUp'],
  settle: ['ActionCompleted', 'ActionFailed', 'OutcomeReportedLate'],
  completeRun: ['RunCompleted'],
  escalate: ['ApprovalRequested'],
  decideApproval: ['ApprovalGiven'],
  suspend: ['GrantSuspended'],
  resume: ['GrantResumed'],
  revokeGrant: ['GrantRevoked'],
  revokeSelector: ['RevocationRuleAdded'],
  liftQuarantine: ['QuarantineLifted'],
  erase: ['PayloadsErased'],
  setAsideEvent: ['EventSetAside'],
  recordDrift: ['DriftScored'],
  recordRefusal: ['Refused', 'RefusalsSummarized'],
  tick: [],
  summarizeRefusals: ['RefusalsSummarized'],
};

/**
 * I4: nothing is acknowledged before it is committed, and what was is there exactly once. Looks at every answer when
 * it leaves its owner, knowing what the database holds at that moment.
 */
export class Answers implements Witness {
  /** of each log, one past the newest event that anybody was told of */
  private readonly told = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly database: Database,
  ) {}

  heard(log: string, answer: Answer): void {
    const { position } = (answer.ok ? answer.value : {}) as { position?: number };
    if (position !== undefined) this.told.set(log, Math.max(this.told.get(log) ?? 0, position + 1));
  }

  /** I11: whoever answers is the newest owner there is. */
  speaks(log: string, epoch: number): void {
    const newest = this.database.epochs.get(log);
    this.world.must(epoch === newest, () => `I11: the owner of ${log} in epoch ${epoch} answers in epoch ${newest}`);
  }

  knows(log: string, { commandId }: Command): boolean {
    return this.database.madeBy(log, commandId).length > 0;
  }

  answers(log: string, command: Command, answer: Answer, before: Parameters<Witness['answers']>[3]): void {
    if (isAgain(answer)) return;
    const { done, least, known } = before;
    const events = this.database.madeBy(log, command.commandId);
    const says = (): string =>
      `${command.type} ${command.commandId} is answered ${JSON.stringify(answer).slice(0, 300)}`;
    if (answer.ok) {
      const { position } = answer.value as { position: number };
      this.world.must(
        events.some((event) => event.position === position),
        () => `I4: ${says()}, and there is no such event in ${log}`,
      );
      return;
    }
    const code = answer.refusal.code as Code;
    const written = events.some((event) => 'code' in event.data && event.data.code === code);
    if (CODES[code] === 403) return this.world.must(written, () => `I4: ${says()}, and it is not in ${log}`);
    // (what is refused as it stands is not kept: of two copies one may come too early, and the other in time)
    this.world.must(!done, () => `I4: ${says()} although it was carried out at ${events[0]?.position}`);
    this.world.must(
      known >= least,
      () => `I11: ${says()} by an owner that knows ${known} events of ${log}, and ${least} were told of`,
    );
  }

  reads(log: string, asOf: number, least: number): void {
    this.world.must(asOf >= least, () => `I11: ${log} is read as of ${asOf}, and ${least} events were told of`);
  }

  /** How many events of a log somebody was told of. */
  toldOf(log: string): number {
    return this.told.get(log) ?? 0;
  }

  /** At the end: every answer against the log, and against every other answer to the same command. */
  atEnd(all: readonly Sent[]): void {
    for (const { command, answers } of all) {
      const events = this.database.madeBy(command.log, command.commandId);
      this.once(command, events);
      const kept = answers.map((text) => JSON.parse(text) as Answer).filter(isKept);
      for (const answer of kept) this.agrees(command, answer, events);
      const [first, ...rest] = kept.map(canonicalize);
      for (const other of rest)
        this.world.must(
          other === first,
          () => `I4: ${command.type} ${command.commandId} was answered ${first}, and then ${other}`,
        );
      if (rest.length > 0) this.world.count('a retry is told the first answer');
    }
  }

  /** Together, in the order they were decided in, and not a second time. */
  private once({ commandId, type }: Command, events: readonly Event[]): void {
    const first = events[0]?.position ?? 0;
    this.world.must(
      events.every((event, i) => event.position === first + i),
      () =>
        `I4: ${type} ${commandId} was carried out more than once, at ${events.map(({ position }) => position).join(', ')}`,
    );
    const heads = events.filter((event) => event.type === 'Refused' || HEADS[type].includes(event.type));
    this.world.must(
      heads.length === (events.length > 0 ? 1 : 0),
      () => `I4: ${type} ${commandId} made ${events.map((event) => event.type).join(', ')}`,
    );
  }

  /** What was told is what stands in the log. */
  private agrees(command: Command, answer: Answer, events: readonly Event[]): void {
    const find = <T extends EventType>(type: T) =>
      events.find((event): event is Extract<Event, { type: T }> => event.type === type);
    const told = (answer.ok ? answer.value : {}) as Told;
    const decided = find('ActionPermitted') ?? find('ActionDenied') ?? find('ActionStepUp');
    const requested = find('ApprovalRequested')?.data.approvalId ?? find('ApprovalGiven')?.data.approvalId;
    const revoked = find('GrantRevoked')?.data.revocationId ?? find('RevocationRuleAdded')?.data.revocationId;
    const pairs: Record<string, readonly [unknown, unknown]> = {
      grant: [
        told.grant?.id,
        find('GrantIssued')?.grantId ?? find('GrantSuspended')?.grantId ?? find('GrantResumed')?.grantId,
      ],
      decision: [told.decision, decided && DECISIONS[decided.type]],
      action: [told.actionId, decided?.actionId],
      approval: [told.approval?.id, decided ? undefined : requested],
      revocation: [told.revocationId, revoked ?? find('QuarantineLifted')?.data.revocationId],
    };
    for (const [what, [is, stands]] of Object.entries(pairs)) {
      // what a person lets pass is told with its approval and its grant; drift may suspend, and tells only the score
      if (!answer.ok || (what === 'grant' && command.type === 'recordDrift')) continue;
      this.world.must(
        is === stands,
        () =>
          `I4: ${command.type} ${command.commandId} told ${what} ${String(is)}, and the log holds ${String(stands)}`,
      );
    }
  }
}

interface Told {
  grant?: { id: string };
  decision?: string;
  actionId?: string;
  approval?: { id: string };
  revocationId?: string;
}
const DECISIONS = { ActionPermitted: 'permit', ActionDenied: 'deny', ActionStepUp: 'step-up' } as const;

/** An answer that stands in the log: another try must be told the same. */
const isKept = (answer: Answer): boolean => answer.ok || CODES[answer.refusal.code as Code] === 403;
