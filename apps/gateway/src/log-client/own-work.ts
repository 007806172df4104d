import { Injectable } from '@nestjs/common';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Pseudonyms } from '../auth/pseudonyms';
import type { Role } from '../auth/roles';
import { Refused } from '../http/problems/problem';
import { LogClient } from './log-client';
import { logOf } from './logs';

/**
 * What runs in the name of a person, or by their approval. A person may see and stop it whatever their roles. The answer for
 * any other run is the same as for one that does not exist.
 */
@Injectable()
export class OwnWork {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  /** Refuses a person whose roles do not allow a request, unless the grant is theirs. @throws Refused NOT_FOUND */
  async grantUnlessRole(caller: Caller, roles: readonly Role[], grantId: string): Promise<void> {
    if (!isRestricted(caller, roles)) return;
    const grant = await this.logClient.look<GrantView>('grant', logOf(caller, grantId), grantId);
    if (!(await this.isOwn(caller, grant.runId))) throw new Refused('NOT_FOUND', `${grantId} not found.`);
  }

  /** Does the same for a run. @throws Refused NOT_FOUND */
  async runUnlessRole(caller: Caller, roles: readonly Role[], runId: string): Promise<void> {
    if (!isRestricted(caller, roles)) return;
    if (!(await this.isOwn(caller, runId))) throw new Refused('NOT_FOUND', `${runId} not found.`);
  }

  /** Reports whether a run, or a run above it, was requested or approved by the caller. */
  private async isOwn(caller: Caller, runId: string): Promise<boolean> {
    const log = logOf(caller, runId);
    let next: string | undefined = runId;
    for (let depth = 0; next !== undefined && depth <= LIMITS.treeDepth; depth++) {
      const run: RunView = await this.logClient.look<RunView>('run', log, next);
      const people = [...(run.approvers ?? []), run.approvedBy, this.refOf(caller, run)];
      if (people.includes(caller.actor.id)) return true;
      next = run.parentRunId;
    }
    return false;
  }

  private refOf({ tenant }: Caller, { requestedBy }: RunView): string | undefined {
    return requestedBy === null || requestedBy === undefined
      ? undefined
      : this.pseudonyms.ref(tenant, 'person', requestedBy);
  }
}

/** Reports whether a caller is a person without any of the roles. */
const isRestricted = (caller: Caller, roles: readonly Role[]): boolean =>
  caller.kind === 'key' && !caller.roles.some((role) => roles.includes(role));
