import { Inject, Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Payloads } from '@bailiwick/event-store/payloads';
import type { EventLog } from '@bailiwick/event-store/port';
import type { Bus } from '@bailiwick/messaging/connect';
import { withDrift } from '../commands/drift';
import { withMarks } from '../commands/marks';
import { TreeKeys } from '../commands/tree-keys';
import { BUS, EVENT_LOG, PAYLOADS } from '../connections/tokens';
import { ImportsService } from '../imports/imports.service';
import { DECISION_RULES } from '../log-owner/decision-rules';
import type { OwnedLog } from '../ownership/owned-log';
import { ProofUses } from './proof-uses';
import { ask } from './queries';

/** Answers queries about the logs that this process owns. */
@Injectable()
export class QueriesService {
  constructor(
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    @Inject(PAYLOADS) private readonly payloads: Payloads,
    @Inject(BUS) private readonly bus: Bus,
    private readonly imports: ImportsService,
    private readonly proofs: ProofUses,
    private readonly keys: TreeKeys,
  ) {}

  async answer(target: OwnedLog, raw: unknown): Promise<Answer> {
    const { owner, erasing, fence } = target;
    const query = raw as { op?: unknown; command?: unknown } | null;
    if (query?.op === 'import')
      return this.imports.step(raw, fence, () => {
        owner.reload();
        void erasing.run();
      });
    if (query?.op === 'proof') return this.proofs.take(target, raw);
    // a dry run gets the same drift score as the call itself
    const withScore = (command: unknown): Promise<unknown> =>
      withDrift(this.bus, command, owner).then((scored) => withMarks(this.keys, scored, owner));
    const full = query?.op === 'dryRun' ? { ...query, command: await withScore(query.command) } : raw;
    return ask(owner, this.eventlog, DECISION_RULES, full, this.payloads);
  }
}
