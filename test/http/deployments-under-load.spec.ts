import type { EventItem } from '@bailiwick/client/client';
import { open, WIDE } from '../e2e/leases';
import { Stack, until } from '../support/stack';

const CALLERS = 32;
const DEPLOYMENTS = 12;
/** What the call counts as by a version: of every second one it is of another risk. */
const riskOf = (version: number): string => (version % 2 === 0 ? 'low' : 'medium');
const READS = { ...WIDE, actions: { allow: ['file.*'] }, budget: { calls: 1_000_000, reads: 1_000_000 } };

interface Answer {
  readonly actionId: string;
  readonly policy: number;
}

describe('deployments while many agents act', () => {
  let stack: Stack;
  const answers: Answer[] = [];
  const events: EventItem[] = [];

  beforeAll(async () => {
    stack = await Stack.tenant();
    const enforcer = stack.as('enforcer');
    const { grant } = await open(stack.as('orchestrator'), READS);
    let ending = false;
    const act = async (): Promise<void> => {
      while (!ending) {
        const { actionId, policy = 0 } = await enforcer.act({
          grantId: grant.id,
          action: { verb: 'file.read' },
          resource: { type: 'file', id: 'docs/a.md' },
        });
        answers.push({ actionId, policy });
        await enforcer.settle(actionId, { status: 'completed' });
      }
    };
    const callers = Array.from({ length: CALLERS }, act);
    for (let version = 1; version <= DEPLOYMENTS; version++) {
      const bundle = {
        'files.yaml': `catalog:\n  - { match: [file.read], effects: [read], risk: ${riskOf(version)} }\n`,
      };
      await more(callers);
      await stack.as('admin').deployPolicy(bundle, version - 1);
    }
    await more(callers);
    ending = true;
    await Promise.all(callers);
    await readAll();
  }, 120_000);
  afterAll(() => stack.stop());

  /** Waits until each agent may have had an answer, or one has failed. */
  function more(callers: readonly Promise<void>[]): Promise<void> {
    const enough = answers.length + 2 * CALLERS;
    return Promise.race([...callers, until('more decisions', () => answers.length >= enough)]);
  }

  /** Reads the log up to the last decision. */
  async function readAll(): Promise<void> {
    const left = new Set(answers.map(({ actionId }) => actionId));
    for (let after = -1; left.size > 0;) {
      const page = await stack.as('analyst').events({ after, limit: 1_000 });
      events.push(...page.items);
      for (const { actionId, type } of page.items) if (isDecision(type)) left.delete(actionId ?? '');
      after = events.at(-1)?.position ?? -1;
    }
  }

  it('each decide by exactly one version, which is the one in force at its position in the log', () => {
    let version = 0;
    const decidedBy = new Map<number, number>();
    for (const { type, data } of events) {
      const { policy = 0, version: deployed = 0 } = data as { policy?: number; version?: number };
      if (type === 'PolicyDeployed') version = deployed;
      if (!isDecision(type)) continue;
      expect(policy).toBe(version);
      decidedBy.set(version, (decidedBy.get(version) ?? 0) + 1);
    }
    expect(version).toBe(DEPLOYMENTS);
    expect([...decidedBy.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: DEPLOYMENTS + 1 }, (_, i) => i));
  });

  it('are answered with the version of their event, by which the call counts', () => {
    const recorded = new Map(
      events.flatMap(({ actionId, type, data }) => (isDecision(type) ? [[actionId, data]] : [])),
    );
    for (const { actionId, policy } of answers) {
      const data = recorded.get(actionId) as { policy?: number; risk: string };
      expect([data.policy ?? 0, data.risk]).toEqual([policy, riskOf(policy)]);
    }
  });
});

const isDecision = (type: string): boolean => type === 'ActionPermitted' || type === 'ActionDenied';
