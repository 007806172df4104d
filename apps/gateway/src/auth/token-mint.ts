import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import type { Caller } from './caller';
import { GrantTokens, type Statements } from './grant-tokens';

/** Runs whose parent is cached. It never changes. */
const PARENTS_MOST = 100_000;

/** Mints tokens of grants with the whole line of runs above them. */
@Injectable()
export class TokenMint {
  /** tenant and run → the run above it, null for a root */
  private readonly parents = new LRUCache<string, { readonly id: string | null }>({ max: PARENTS_MOST });

  constructor(
    private readonly tokens: GrantTokens,
    private readonly logClient: LogClient,
  ) {}

  async mint(
    caller: Caller,
    run: RunView,
    grant: GrantView,
    statements: Pick<Statements, 'audience'> = {},
  ): Promise<string> {
    const above = await this.above(caller, run);
    return this.tokens.mint(caller.tenant, run, grant, { ...statements, above });
  }

  /** Returns the runs above a run, nearest first. */
  async above(caller: Caller, run: Pick<RunView, 'id' | 'parentRunId'>): Promise<string[]> {
    const key = (id: string): string => `${caller.tenant}\n${id}`;
    this.parents.set(key(run.id), { id: run.parentRunId ?? null });
    const line: string[] = [];
    for (let id = run.parentRunId ?? null; id !== null && line.length <= LIMITS.treeDepth;) {
      line.push(id);
      const known = this.parents.get(key(id));
      const parent: string | null =
        known === undefined
          ? ((await this.logClient.look<RunView>('run', logOf(caller, id), id)).parentRunId ?? null)
          : known.id;
      this.parents.set(key(id), { id: parent });
      id = parent;
    }
    return line;
  }
}
