import { Injectable } from '@nestjs/common';
import type { BranchView } from '@bailiwick/contracts/queries/query';
import type { Caller } from '../auth/caller';
import { Refused } from '../http/problems/problem';
import { LogClient } from './log-client';
import { logOf } from './logs';

/**
 * Restricts grant tokens to the branch of their run: the run and everything that it delegated. The answer for a run or
 * grant elsewhere is the same as for one that does not exist.
 */
@Injectable()
export class Branches {
  constructor(private readonly logClient: LogClient) {}

  /** Refuses a grant token for a run or grant outside its branch. @throws Refused FORBIDDEN */
  async within(caller: Caller, id: string): Promise<void> {
    if (caller.kind !== 'run' || caller.runId === id || caller.grantId === id) return;
    if ((await this.below(caller, id)) === null)
      throw new Refused('FORBIDDEN', 'a grant token may only be used for its own run and what that run delegated');
  }

  /** Refuses a grant token for anything but a child of its run. @throws Refused FORBIDDEN */
  async childOf(caller: Caller, id: string): Promise<void> {
    if (caller.kind === 'run' && (await this.below(caller, id)) !== 1)
      throw new Refused('FORBIDDEN', 'a grant token may only be used for a child of the run that has it');
  }

  private async below(caller: Extract<Caller, { kind: 'run' }>, id: string): Promise<number | null> {
    const log = logOf(caller, id);
    if (log !== logOf(caller, caller.runId)) return null; // a tree is in one log
    return (await this.logClient.query<BranchView>({ op: 'branch', log, runId: caller.runId, of: id })).below;
  }
}
