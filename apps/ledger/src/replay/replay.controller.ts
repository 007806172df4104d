import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ruleEvents } from '@bailiwick/authority/revocation/rule-events';
import { wrongWith } from '@bailiwick/authority/what-if/changed-limits';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { idOf, logNameSchema, tenantName, time } from '@bailiwick/contracts/primitives';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { Sources } from '../connections/sources';
import { catchUp, folded } from '../follower/catch-up';
import type { LogLedger } from '../follower/log-ledger';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing, refuse } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { isTree } from '../search/find-by-id';
import { lastAt } from '../search/position-at';
import { positionAt } from '../search/scan';
import { Replays } from './replays';
import { TreeAtService } from './tree-at';
import { bundleAt } from './stored-bundles';

const treeAtQuery = z.strictObject({ tenant: tenantName, treeId: idOf('tree'), at: z.string().max(40) });
type TreeAtQuery = z.infer<typeof treeAtQuery>;

const startQuery = z.strictObject({
  tenant: tenantName,
  request: replayRequest,
  /** the canonical JSON of a checked or deployed bundle that decides instead of the recorded ones */
  candidate: z.string().max(LIMITS.policy.bytes).optional(),
  reach: z.boolean().optional(),
});
type StartQuery = z.infer<typeof startQuery>;

const signalsQuery = z.strictObject({ tenant: tenantName, log: logNameSchema.optional(), since: time.optional() });
type SignalsQuery = z.infer<typeof signalsQuery>;

const respondersQuery = signalsQuery.extend({ candidate: z.string().max(LIMITS.policy.bytes) });
type RespondersQuery = z.infer<typeof respondersQuery>;

const shadowQuery = z.strictObject({ tenant: tenantName });
type ShadowQuery = z.infer<typeof shadowQuery>;

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
  async start(@Payload(new ZodPipe(startQuery)) { tenant, request, candidate, reach }: StartQuery): Promise<Answer> {
    const { treeId, to = Infinity, from = 0 } = request;
    const n = treeId === undefined ? 0 : logNumberOf(treeId);
    const log = request.log ?? logName(tenant, n ?? 0);
    const ledger = log.startsWith(`${tenant}/`) ? await this.ledgers.following(log) : undefined;
    if (!ledger || (treeId !== undefined && log !== logName(tenant, n ?? 0))) return missing(treeId ?? log);
    if (treeId !== undefined && !(await isTree(ledger, this.sources.store, treeId)))
      return this.ledgers.missing(tenant, treeId);
    const end = Math.min(to, ledger.position - 1);
    if (from > 0 && from > end) return refuse('NOT_FOUND', `the log has not reached position ${from} yet`);
    const wrong = wrongWith(request.change, systemClock.now());
    if (wrong) return refuse(wrong.code, wrong.detail);
    const state = treeId === undefined ? undefined : folded(ledger);
    const rules = state ? ruleEvents(state) : [];
    const policies = state ? state.policies.versions.filter(({ position }) => position <= end) : [];
    const tried = { ...(candidate === undefined ? {} : { candidate }), ...(reach === undefined ? {} : { reach }) };
    return found({ id: this.replays.start(tenant, { log, request, to: end, rules, policies, ...tried }) });
  }

  /** Starts to count the signals of a log; polled like a what-if. */
  @MessagePattern(ledgerSubject('signals-start'))
  async signals(@Payload(new ZodPipe(signalsQuery)) query: SignalsQuery): Promise<Answer> {
    const { tenant, log = logName(tenant, 0) } = query;
    const ledger = log.startsWith(`${tenant}/`) ? await this.ledgers.following(log) : undefined;
    if (!ledger) return missing(log);
    await this.readCommitted(ledger);
    const since = query.since ?? rfc3339(systemClock.now() - LIMITS.policy.signalMs);
    const first = await positionAt(this.sources.eventlog, log, since, ledger.position, 0);
    const to = ledger.position - 1;
    const from = Math.max(first, to + 1 - LIMITS.policy.signalEvents);
    const job = { log, request: { from, change: {} }, to, rules: [], signals: true };
    const id = this.replays.start(tenant, job);
    return found({ id, log, since, from, to, truncated: from > first });
  }

  /** Starts to repeat the log for the responders of a bundle; polled like a what-if. */
  @MessagePattern(ledgerSubject('responders-start'))
  async responders(@Payload(new ZodPipe(respondersQuery)) query: RespondersQuery): Promise<Answer> {
    const { tenant, log = logName(tenant, 0), candidate } = query;
    const ledger = log.startsWith(`${tenant}/`) ? await this.ledgers.following(log) : undefined;
    if (!ledger) return missing(log);
    await this.readCommitted(ledger);
    const since = query.since ?? rfc3339(systemClock.now() - LIMITS.policy.signalMs);
    const from = await positionAt(this.sources.eventlog, log, since, ledger.position, 0);
    const to = ledger.position - 1;
    const job = { log, request: { from, change: {} }, to, rules: [], candidate, responders: true };
    return found({ id: this.replays.start(tenant, job), log, since, from, to });
  }

  /** Starts to decide again, by the newest candidate in shadow, what was decided since; polled like a what-if. */
  @MessagePattern(ledgerSubject('shadow-start'))
  async shadow(@Payload(new ZodPipe(shadowQuery)) { tenant }: ShadowQuery): Promise<Answer> {
    const log = logName(tenant, 0);
    const ledger = this.ledgers.get(log);
    if (ledger) await this.readCommitted(ledger);
    const shadow = ledger && folded(ledger).policies.shadow;
    if (!shadow) return refuse('NOT_FOUND', 'No policy is or was in shadow.');
    const { digest, parts, version, position, at, until, by } = shadow;
    const { eventlog } = this.sources;
    const candidate = await bundleAt((positions) => eventlog.at(log, positions).then(bodiesOf), position, parts);
    const last = until < systemClock.now() ? await lastAt(eventlog, log, ledger.position, until) : ledger.position - 1;
    const request = { from: position + 1, change: {}, limit: 1 };
    const job = { log, request, to: Math.max(last, position), rules: [], candidate };
    const id = this.replays.start(tenant, job);
    return found({ id, digest, version, position, at: rfc3339(at), by, until: rfc3339(until) });
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

  /**
   * Lets a ledger read all that was committed before the request, which would otherwise be left out.
   * @throws NotYet if it does not in time
   */
  private async readCommitted(ledger: LogLedger): Promise<void> {
    await catchUp([ledger], (await this.sources.eventlog.head(ledger.state.log)) - 1);
  }
}

const bodiesOf = (stored: readonly { readonly body: string }[]): string[] => stored.map(({ body }) => body);
