import { randomUUID } from 'node:crypto';
import type { ActionAnswer, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { BOUNDARY, type Answer, type Command } from '@bailiwick/contracts/commands/command';
import { canonicalDigest } from '@bailiwick/core/digest';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import { payloadOf } from '@bailiwick/edge/payload';
import type { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { redactedArgs, redactText } from '@bailiwick/edge/redaction';
import { fromCommand, Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { catalogName } from '../tools/definition';
import { APPLIED } from './obligations';

/** A call of a tool, or another operation of a server, before its decision. */
export interface ToolCall {
  readonly server: string;
  readonly tool: string;
  readonly args: Record<string, unknown>;
  /** the resource, unless the entry states one */
  readonly resource: { readonly type: string; readonly id: string };
  readonly approvalId?: string | undefined;
}

const ATTEMPTS = 3;

/** Asks the owners of logs for decisions about calls of tools, and reports their outcomes. */
export class Decisions {
  constructor(
    private readonly owners: Pick<OwnerClient, 'submit' | 'command'>,
    private readonly readers: PolicyReaders,
  ) {}

  /**
   * Decides a call by its exact arguments. Verb, resource, attributes and amounts are those of the catalog in force; the
   * agent states none of them.
   * @returns undefined if the catalog has no entry that names the tool
   * @throws Refused with the refusal of the owner, or NOT_READY (I11)
   */
  async decide(claims: TokenClaims, call: ToolCall): Promise<ActionAnswer | undefined> {
    const log = logOf(claims, claims.grantId);
    const tool = catalogName(call.server, call.tool);
    let reader = await this.readers.current(log);
    if (reader.entryOfTool(tool) === undefined) reader = await this.readers.fetch(log);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const verb = reader.entryOfTool(tool)?.verb;
      if (verb === undefined) return undefined;
      const derived = reader.read({ verb, tool, args: call.args });
      const answer = await this.owners.submit(commandOf(log, claims, call, { verb, tool, derived }));
      if (answer.ok) {
        const decided = answer.value as ActionAnswer;
        if ((decided.policy ?? 0) === reader.version) return decided;
        // decided by another version: what the tool stands for may differ under it
        reader = await this.readers.fetch(log);
        if (reader.entryOfTool(tool)?.verb === verb) return decided;
        if (decided.decision === 'permit') await this.settle(claims, decided.actionId, { status: 'failed' });
      } else if (isOtherVersion(answer)) reader = await this.readers.fetch(log);
      else throw fromCommand(answer.refusal);
    }
    throw new Refused('NOT_READY', 'the policy changes faster than it can be read; retry');
  }

  /** Reports the outcome of a permitted call. @throws Refused */
  async settle(claims: TokenClaims, actionId: string, { preview, ...outcome }: OutcomeRequest): Promise<void> {
    await this.owners.command({
      type: 'settle',
      log: logOf(claims, actionId),
      actor: BOUNDARY,
      commandId: `cmd_${randomUUID()}`,
      actionId,
      outcome,
      ...(preview === undefined ? {} : { payload: payloadOf({ preview: redactText(preview) }) }),
    });
  }
}

interface Meaning {
  readonly verb: string;
  readonly tool: string;
  readonly derived: ReturnType<Awaited<ReturnType<PolicyReaders['fetch']>>['read']>;
}

function commandOf(log: string, claims: TokenClaims, call: ToolCall, { verb, tool, derived }: Meaning): Command {
  return {
    type: 'authorize',
    log,
    actor: BOUNDARY,
    // the same for every attempt to reach an owner, so that a repeated message is decided and charged once
    commandId: `cmd_${randomUUID()}`,
    grantId: claims.grantId,
    action: { verb, tool, argsDigest: canonicalDigest(call.args) },
    resource: derived?.resource ?? call.resource,
    ...(derived === undefined ? {} : { derived }),
    ...(call.approvalId === undefined ? {} : { approvalId: call.approvalId }),
    understands: [...APPLIED],
    proof: { vouched: true },
    payload: payloadOf({ ...redactedArgs(call.args) }),
  };
}

function logOf({ tenant }: TokenClaims, id: string): string {
  const n = logNumberOf(id);
  if (n === undefined) throw new Refused('NOT_FOUND', `${id.slice(0, 80)} not found.`);
  return logName(tenant, n);
}

const isOtherVersion = (answer: Answer): boolean =>
  !answer.ok && answer.refusal.code === 'CONFLICT' && answer.refusal.extra?.policy !== undefined;
