import { randomUUID } from 'node:crypto';
import type { ActionAnswer, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { BOUNDARY, type Answer, type Command } from '@bailiwick/contracts/commands/command';
import { canonicalDigest } from '@bailiwick/core/digest';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { statedDigests } from '@bailiwick/core/value-digests';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import { payloadOf } from '@bailiwick/edge/payload';
import type { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { redactedArgs, redactText } from '@bailiwick/edge/redaction';
import { fromAnswer, fromCommand, Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { CallReader } from '@bailiwick/policy/catalog/call-reader';
import { APPLIED } from './obligations';

/** What a call is by one version of a policy. */
export interface ReadCall {
  /** the name of the tool in the catalog */
  readonly tool: string;
  readonly args: Record<string, unknown>;
  /** reached if the entry of the tool names no other */
  readonly resource: { readonly type: string; readonly id: string };
}

/** A call whose tool depends on the policy in force. */
export interface UnreadCall {
  /** @returns undefined if no entry of the catalog names the call */
  readonly read: (reader: CallReader) => ReadCall | undefined;
  readonly approvalId?: string | undefined;
  /** estimated by the boundary; of these and the amounts of the catalog the larger ones are reserved */
  readonly amounts?: { readonly cost?: Record<string, number>; readonly units?: Record<string, number> } | undefined;
  /** the arguments are not all that the call sends, so that no approval can be for exactly it */
  readonly isPartial?: boolean | undefined;
  /** what the call sends in addition to its arguments, for rules that follow values; null: it cannot be read */
  readonly sent?: string | null | undefined;
  /** the permit of a call in flight, which this one continues; it ends with the next permit, and not with a denial */
  readonly replaces?: string | undefined;
}

const ATTEMPTS = 3;

/** The permit to which what a call has done so far is charged; undefined: it has done nothing. */
interface Charged {
  permit: string | undefined;
}

/** Asks the owners of logs for decisions about calls of tools, and reports their outcomes. */
export class Decisions {
  constructor(
    private readonly owners: Pick<OwnerClient, 'submit' | 'command' | 'question'>,
    private readonly readers: PolicyReaders,
  ) {}

  /**
   * Decides a call by its exact arguments. Verb, resource, attributes and amounts are those of the policy in force; the
   * agent states none of them.
   * @returns undefined if the policy does not name the call
   * @throws Refused with the refusal of the owner, or NOT_READY (I11)
   */
  async decide(claims: TokenClaims, call: UnreadCall): Promise<ActionAnswer | undefined> {
    const charged: Charged = { permit: call.replaces };
    let decided: ActionAnswer | undefined;
    try {
      return (decided = await this.decideCharged(claims, call, charged));
    } finally {
      // a permit has taken over what was done, and no call follows under it. A crash before it leaves it to be abandoned,
      // which charges it as well
      const { permit } = charged;
      if (permit !== undefined && permit !== call.replaces && decided?.decision !== 'permit')
        await this.settle(claims, permit, { status: 'completed' });
    }
  }

  private async decideCharged(
    claims: TokenClaims,
    call: UnreadCall,
    charged: Charged,
  ): Promise<ActionAnswer | undefined> {
    const log = logOf(claims, claims.grantId);
    let reader = await this.readers.current(log);
    if (call.read(reader) === undefined) reader = await this.readers.fetch(log);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const meaning = meaningOf(call, reader);
      if (meaning === undefined) return undefined;
      const asked = { ...call, replaces: charged.permit };
      const answer = await this.owners.submit(commandOf(log, claims, asked, meaning));
      if (answer.ok) {
        const decided = answer.value as ActionAnswer;
        if ((decided.policy ?? 0) === reader.version) return decided;
        // decided by another version: what the tool stands for may differ under it
        reader = await this.readers.fetch(log);
        const now = meaningOf(call, reader);
        if (now?.tool === meaning.tool && now.verb === meaning.verb) return decided;
        if (decided.decision !== 'permit') continue;
        if (charged.permit === undefined) await this.settle(claims, decided.actionId, { status: 'failed' });
        else charged.permit = decided.actionId;
      } else if (isOtherVersion(answer)) reader = await this.readers.fetch(log);
      else throw fromCommand(answer.refusal);
    }
    throw new Refused('NOT_READY', 'the policy changes faster than it can be read; retry');
  }

  /**
   * Reports whether a call would be permitted now. Nothing is charged, recorded, or asked of a person.
   * @throws Refused as `decide`
   */
  async wouldPermit(claims: TokenClaims, call: UnreadCall): Promise<boolean> {
    const log = logOf(claims, claims.grantId);
    let reader = await this.readers.current(log);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const meaning = meaningOf(call, reader);
      if (meaning === undefined) return false;
      const command = commandOf(log, claims, call, meaning);
      const answer = await this.owners.question({ op: 'dryRun', log, command });
      if (answer.ok) return (answer.value as { decision?: unknown }).decision === 'permit';
      if (!isOtherVersion(answer)) throw fromAnswer(answer.refusal);
      reader = await this.readers.fetch(log);
    }
    throw new Refused('NOT_READY', 'the policy changes faster than it can be read; retry');
  }

  /** Reports the outcome of a permitted call. @throws Refused */
  async settle(claims: TokenClaims, actionId: string, { preview, values, ...outcome }: CallOutcome): Promise<void> {
    await this.owners.command({
      type: 'settle',
      log: logOf(claims, actionId),
      actor: BOUNDARY,
      commandId: `cmd_${randomUUID()}`,
      actionId,
      outcome,
      ...(values === undefined ? {} : { values: [...values] }),
      ...(preview === undefined ? {} : { payload: payloadOf({ preview: redactText(preview) }) }),
    });
  }
}

/** The outcome of a call; `values` are digests of the values of the result that the agent gets. Left out: not known. */
export interface CallOutcome extends Omit<OutcomeRequest, 'values'> {
  readonly values?: readonly string[];
}

interface Meaning extends ReadCall {
  readonly verb: string;
  readonly derived: ReturnType<CallReader['read']>;
}

function meaningOf(call: UnreadCall, reader: CallReader): Meaning | undefined {
  const read = call.read(reader);
  const verb = read && reader.entryOfTool(read.tool)?.verb;
  if (!read || verb === undefined) return undefined;
  return { ...read, verb, derived: reader.read({ verb, tool: read.tool, args: read.args }) };
}

function commandOf(
  log: string,
  claims: TokenClaims,
  { approvalId, amounts, isPartial, sent, replaces }: UnreadCall,
  { verb, tool, args, resource, derived }: Meaning,
): Command {
  return {
    type: 'authorize',
    log,
    actor: BOUNDARY,
    // the same for every attempt to reach an owner, so that a repeated message is decided and charged once
    commandId: `cmd_${randomUUID()}`,
    grantId: claims.grantId,
    action: { verb, tool, ...(isPartial === true ? {} : { argsDigest: canonicalDigest(args) }) },
    resource: derived?.resource ?? resource,
    ...(isPartial === true || sent === null ? {} : stated(sent === undefined ? args : { args, sent })),
    ...amounts,
    ...(derived === undefined ? {} : { derived }),
    ...(approvalId === undefined ? {} : { approvalId }),
    ...(replaces === undefined ? {} : { replaces }),
    understands: [...APPLIED],
    proof: { vouched: true },
    payload: payloadOf({ ...redactedArgs(args) }),
  };
}

const stated = (all: unknown): { values?: string[] } => {
  const values = statedDigests(all);
  return values === undefined ? {} : { values };
};

function logOf({ tenant }: TokenClaims, id: string): string {
  const n = logNumberOf(id);
  if (n === undefined) throw new Refused('NOT_FOUND', `${id.slice(0, 80)} not found.`);
  return logName(tenant, n);
}

const isOtherVersion = (answer: Answer): boolean =>
  !answer.ok && answer.refusal.code === 'CONFLICT' && answer.refusal.extra?.policy !== undefined;
