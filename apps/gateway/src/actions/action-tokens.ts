import { Injectable } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import type { ActionAnswer, ActionRequest } from '@bailiwick/contracts/actions/action';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { systemClock } from '@bailiwick/core/clock';
import type { LiveView } from '@bailiwick/contracts/queries/query';
import { canonicalDigest } from '@bailiwick/core/digest';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { actorOf } from '@bailiwick/edge/tokens/grant-token';
import { GrantTokens } from '../auth/grant-tokens';
import { TokenMint } from '../auth/token-mint';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';

/** The `typ` of the token of one call, which no other kind of token has. */
export const ACTION_TOKEN = 'bailiwick-action+jwt';

/** The run that makes a call, with the runs above it, nearest first. */
export interface Holder {
  readonly tenant: string;
  readonly run: RunView;
  readonly above: readonly string[];
}

/**
 * Issues the tokens of permitted calls, for the owners of tools. Such a token states one call with its purpose, is for one
 * audience, ends within seconds, and names the permit in `jti`, so that the tool can accept it once.
 */
@Injectable()
export class ActionTokens {
  constructor(
    private readonly tokens: GrantTokens,
    private readonly mint: TokenMint,
    private readonly logClient: LogClient,
  ) {}

  /** Reads who makes a call. @throws Refused NOT_FOUND */
  async holderOf(caller: Caller, grantId: string): Promise<Holder> {
    const log = logOf(caller, grantId);
    const runId =
      caller.kind === 'run' ? caller.runId : (await this.logClient.look<GrantView>('grant', log, grantId)).runId;
    const run = await this.logClient.look<RunView>('run', log, runId);
    return { tenant: caller.tenant, run, above: await this.mint.above(caller, run) };
  }

  /**
   * Returns the token of a permit; undefined for any other decision, and once the permit or its lease has ended, or its tool
   * is denied. A repeated request gets the first answer: without this question, it would get tokens after a revocation.
   */
  async issue(
    holder: Holder,
    audience: string,
    request: Pick<ActionRequest, 'action' | 'resource' | 'grantId'>,
    answer: ActionAnswer,
  ): Promise<string | undefined> {
    const now = systemClock.now();
    const until = Date.parse(answer.expiresAt);
    if (answer.decision !== 'permit' || until <= now) return undefined;
    const { grantId } = request;
    // `now` is from before: a token that is issued ends within its time after the event that ends the lease
    const log = logName(holder.tenant, logNumberOf(grantId) ?? 0);
    const { ended, denied } = await this.logClient.query<LiveView>({ op: 'live', log, grantIds: [grantId] });
    if (ended.length > 0 || denied.some(({ actionId }) => actionId === answer.actionId)) return undefined;
    return this.tokens.sign(ACTION_TOKEN, claimsOf(holder, audience, request, answer, now));
  }
}

/** A repeated request gets a new token of the same permit, so `use_until` states how long its `jti` must be remembered. */
function claimsOf(
  { tenant, run, above }: Holder,
  audience: string,
  { action, resource, grantId }: Pick<ActionRequest, 'action' | 'resource' | 'grantId'>,
  { actionId, expiresAt }: ActionAnswer,
  now: number,
): JWTPayload {
  const { verb, tool, args, argsDigest = args === undefined ? undefined : canonicalDigest(args) } = action;
  const until = Math.floor(Date.parse(expiresAt) / 1_000);
  return {
    tenant,
    tree: run.treeId,
    grant: grantId,
    sub: run.requestedBy ?? run.treeId,
    act: actorOf([run.id, ...above]),
    aud: audience,
    jti: actionId,
    iat: Math.floor(now / 1_000),
    exp: Math.min(Math.ceil((now + LIMITS.actionTokenMs) / 1_000), until),
    use_until: until,
    ...(run.purpose === null ? {} : { purpose: run.purpose }),
    action: { verb, ...(tool === undefined ? {} : { tool }), ...(argsDigest === undefined ? {} : { argsDigest }) },
    resource: { type: resource.type, id: resource.id },
  };
}
