import type { PointsAnswer } from '@bailiwick/contracts/enforcement/points';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { setTimeout as delay } from 'node:timers/promises';
import type { BailiwickClient, Granted } from '@bailiwick/client/client';
import { isPending } from '../effect-text';
import { Load } from './load';
import type { Sandbox } from './sandbox';

export interface DrillPlan {
  readonly tenant: string;
  /** of all runs of the drill, and of no other */
  readonly agentClass: string;
  readonly trees: number;
  /** children of each run, and how many levels of them */
  readonly width: number;
  readonly depth: number;
  /** requests for decisions at a time */
  readonly workers: number;
  /** how long they act before the revocation, and after it, ms */
  readonly loadMs: number;
}

/** What a drill measured. Times are ms; those after the acknowledgement are negative if they were before it. */
export interface DrillReport {
  readonly tenant: string;
  readonly at: string;
  readonly revocationId: string;
  readonly position: number;
  readonly grants: number;
  readonly trees: number;
  readonly permits: number;
  readonly denials: number;
  readonly acknowledgedMs: number;
  /** when the answer of the last permit arrived, after the acknowledgement */
  readonly lastPermitMs: number;
  /** permits that the log has after the revocation, or that were asked for after its acknowledgement */
  readonly permitsAfter: number;
  /** grants that are still permitted something at the end */
  readonly alive: number;
  readonly recordCompleteMs: number | undefined;
  readonly recorded: number;
  readonly enforcement: PointsAnswer;
  readonly failures: readonly string[];
}

const GRANT: GrantRequest = {
  actions: { allow: ['file.read'] },
  resources: [{ type: 'file', match: 'drill/**' }],
  budget: { calls: 1_000_000, reads: 1_000_000 },
  time: { ttl: '10m' },
};
const RECORD_MS = 30_000;
const RECORD_EVERY_MS = 50;

/** Opens trees of runs, acts under all of them, revokes them by selector, and measures what happens. */
export async function drill(sandbox: Sandbox, plan: DrillPlan, says: (step: string) => void): Promise<DrillReport> {
  let load: Load | undefined;
  let isRevoked = false;
  try {
    const grants = await openTrees(sandbox, plan, says);
    load = new Load(sandbox.enforcer, grants, plan.workers);
    says(`acting under ${grants.length} grants`);
    await delay(plan.loadMs);
    says('revoking');
    const asked = performance.now();
    const { revocationId, positions } = await revoke(sandbox, plan);
    const acknowledged = performance.now();
    isRevoked = true;
    const [[log, position] = ['', -1]] = Object.entries(positions);
    const [enforcement, record] = await Promise.all([
      sandbox.responder.enforcementPoints({ log, position, revocation: revocationId, waitMs: LIMITS.effectWaitMs }),
      completeRecord(sandbox, revocationId, grants.length, acknowledged),
      delay(plan.loadMs),
    ]);
    await load.stop();
    says('asking under every grant once more');
    const alive = await load.once();
    const late = load.permits.filter((permit) => permit.position > position || permit.askedAt > acknowledged);
    // also of permits whose answer was lost; the tenant has no other runs
    const permitsAfter = Math.max(late.length, await permitsInLog(sandbox, position));
    const measured = {
      tenant: plan.tenant,
      at: new Date(systemClock.now()).toISOString(),
      revocationId,
      position,
      grants: grants.length,
      trees: plan.trees,
      permits: load.permits.length,
      denials: load.denials,
      acknowledgedMs: acknowledged - asked,
      lastPermitMs: lastAnswer(load.permits) - acknowledged,
      permitsAfter,
      alive,
      ...record,
      enforcement,
    };
    return { ...measured, failures: failuresOf(measured, load.failures) };
  } finally {
    await load?.stop();
    // a drill that breaks off leaves nothing alive, if it can; the next one is refused while anything is
    if (!isRevoked) await revoke(sandbox, plan).catch(() => undefined);
  }
}

const revoke = ({ responder }: Sandbox, { agentClass }: DrillPlan): ReturnType<BailiwickClient['revokeAll']> =>
  responder.revokeAll({ selector: { agentClass }, reason: 'drill', force: true });

/** When the last of any number of permits was answered. */
export const lastAnswer = (permits: Load['permits']): number =>
  permits.reduce((last, { answeredAt }) => Math.max(last, answeredAt), -Infinity);

async function openTrees({ orchestrator }: Sandbox, plan: DrillPlan, says: (step: string) => void): Promise<Granted[]> {
  const { agentClass, trees, width, depth } = plan;
  const agent = { class: agentClass };
  const all: Granted[] = [];
  for (let tree = 0; tree < trees; tree++) {
    const delegation = depth > 0 ? { depth, children: width, classes: [agentClass] } : undefined;
    const grant = { ...GRANT, ...(delegation && { delegation }) };
    const root = await orchestrator.openRun({ agent, requestedBy: 'service:drill', purpose: 'drill', grant });
    if (!('grant' in root)) throw new Error('the tenant of drills asks a person about each run; use another');
    let level = [root];
    all.push(root);
    for (let below = depth; below > 0; below--) {
      const more = below > 1 ? { delegation: { depth: below - 1, children: width, classes: [agentClass] } } : {};
      const delegated: Granted[] = [];
      for (const { grant: parent } of level)
        delegated.push(
          ...(await Promise.all(
            Array.from({ length: width }, () =>
              orchestrator.delegate(parent.id, { agent, task: 'drill', grant: more }),
            ),
          )),
        );
      level = delegated;
      all.push(...level);
    }
    says(`opened ${tree + 1} of ${trees} trees`);
  }
  return all;
}

/** Counts the permits that the log has after a position. */
async function permitsInLog({ analyst }: Sandbox, after: number): Promise<number> {
  const { position } = await analyst.enforcementPoints({ waitMs: 0 });
  const { items } = await analyst.events({ type: 'ActionPermitted', after, limit: 100, minPosition: position });
  return items.length;
}

/** Waits until the record names every grant, and returns how long after the acknowledgement that was. */
async function completeRecord(
  { responder }: Sandbox,
  revocationId: string,
  grants: number,
  acknowledged: number,
): Promise<Pick<DrillReport, 'recordCompleteMs' | 'recorded'>> {
  let recorded = 0;
  while (performance.now() - acknowledged < RECORD_MS) {
    const record = await responder.revocation(revocationId).catch(() => undefined); // its event may not be read yet
    recorded = record?.counts?.grants ?? 0;
    if (recorded >= grants) return { recordCompleteMs: performance.now() - acknowledged, recorded };
    await delay(RECORD_EVERY_MS);
  }
  return { recordCompleteMs: undefined, recorded };
}

/** States why a drill has failed; nothing is left out that could not be measured. */
export function failuresOf(measured: Omit<DrillReport, 'failures'>, unanswered: readonly string[]): string[] {
  const { permits, permitsAfter, alive, recordCompleteMs, recorded, grants, enforcement } = measured;
  const pending = enforcement.items.filter(isPending).map(({ name }) => name);
  return [
    ...(permits === 0 ? ['nothing was permitted before the revocation, so that nothing was tested'] : []),
    ...(permitsAfter > 0 ? [`${permitsAfter} permits came after the acknowledgement`] : []),
    ...(alive > 0 ? [`${alive} of ${grants} grants were not denied at the end`] : []),
    ...(enforcement.confirmed ? [] : [`not confirmed by ${pending.join(', ') || 'points that are not listed'}`]),
    ...(recordCompleteMs === undefined
      ? [`the record has ${recorded} of ${grants} grants after ${RECORD_MS / 1_000} s`]
      : []),
    ...(unanswered.length > 0 ? [`${unanswered.length} requests failed, the first with ${unanswered[0]}`] : []),
  ];
}
