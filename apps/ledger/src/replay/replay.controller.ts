import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ruleEvents } from '@bailiwick/authority/revocation/rule-events';
import { wrongWith } from '@bailiwick/authority/what-if/changed-limits';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { systemClock } from '@bailiwick/core/clock';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { Sources } from '../connections/sources';
import { folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing, refuse } from '../rpc/answers';
import { ZodPipe } from '../rpc/zod.pipe';
import { isTree } from '../search/find-by-id';
import { Replays } from './replays';
import { TreeAtService } from './tree-at';

const treeAtQuery = z.strictObject({ tenant: tenantName, treeId: idOf('tree'), at: z.string().max(40) });
type TreeAtQuery = z.infer<typeof treeAtQuery>;

const startQuery = z.strictObject({ tenant: tenantName, request: replayRequest });
type StartQuery = z.infer<typeof startQuery>;

const jobQuery = z.strictObject({ tenant: tenantName, id: z.uuid() });
type JobQuery = z.infer<typeof jobQuery>;

/** Past states of a tree, and what-ifs. A what-if takes minutes, so callers start it and then poll for its result. */
@Controller()
export class ReplayController {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
    private readonly replays: Replays,
    private readonly trees: TreeAtService,
  ) {}

  @MessagePattern(ledgerSubject('tree-at'))
  treeAt(@Payload(new ZodPipe(treeAtQuery)) { tenant, treeId, at }: TreeAtQuery): Promise<Answer> {
    return this.trees.find(tenant, treeId, at);
  }

  @MessagePattern(ledgerSubject('replay-start'))
  async start(@Payload(new ZodPipe(startQuery)) { tenant, request }: StartQuery): Promise<Answer> {
    const { treeId, to = Infinity, from = 0 } = request;
    const n = treeId === undefined ? 0 : logNumberOf(treeId);
    const log = request.log ?? logName(tenant, n ?? 0);
    const ledger = log.startsWith(`${tenant}/`) ? this.ledgers.get(log) : undefined;
    if (!ledger || (treeId !== undefined && log !== logName(tenant, n ?? 0))) return missing(treeId ?? log);
    if (treeId !== undefined && !(await isTree(ledger, this.sources.store, treeId))) return missing(treeId);
    const end = Math.min(to, ledger.position - 1);
    if (from > 0 && from > end) return refuse('NOT_FOUND', `the log has not reached position ${from} yet`);
    const wrong = wrongWith(request.change, systemClock.now());
    if (wrong) return refuse(wrong.code, wrong.detail);
    const state = treeId === undefined ? undefined : folded(ledger);
    const rules = state ? ruleEvents(state) : [];
    const policies = state ? state.policies.versions.filter(({ position }) => position <= end) : [];
    return found({ id: this.replays.start(tenant, { log, request, to: end, rules, policies }) });
  }

  @MessagePattern(ledgerSubject('replay-ask'))
  poll(@Payload(new ZodPipe(jobQuery)) { tenant, id }: JobQuery): Promise<Answer> {
    return this.replays.ask(tenant, id);
  }

  @MessagePattern(ledgerSubject('replay-cancel'))
  cancel(@Payload(new ZodPipe(jobQuery)) { tenant, id }: JobQuery): Answer {
    this.replays.cancel(tenant, id);
    return found({});
  }
}
