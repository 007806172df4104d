import { BailiwickClient } from '@bailiwick/client/client';
import { LIMITS } from '@bailiwick/core/limits';
import type { BenchOptions } from './bench';
import { filledTenant } from './data/large';
import { fillDecisions } from './data/recorded';
import { quantile } from './report/rounds';

/** The verb of the recorded decisions in three bundles: as in the default one, with another effect, and with a question. */
const BUNDLES = {
  same: '[read], risk: low',
  other: '[read, write], risk: low',
  asks: '[read], risk: irreversible',
} as const;

/** Measures a comparison of two policies over recorded decisions, requested over HTTP. */
export async function benchPolicyDiff({ system, report, rounds, size }: BenchOptions): Promise<void> {
  const { keys, log } = await filledTenant(system, 'compared', report, (eventlog, name) =>
    fillDecisions(eventlog, name, size),
  );
  const admin = new BailiwickClient({ url: system.credentials.url, key: keys.admin as string });
  const last = Math.min(size, LIMITS.replayDecisions);
  for (const [name, meaning] of Object.entries(BUNDLES)) {
    const bundle = { 'policy.yaml': `catalog:\n  - { match: [file.read], effects: ${meaning} }\n` };
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      const { history } = await admin.diffPolicy({ bundle, last, log });
      seconds.push((performance.now() - started) / 1_000);
      const differ = name === 'asks' ? last : 0;
      if (history.decided !== last || history.differ !== differ)
        throw new Error(`${history.decided} decisions were decided again, and ${history.differ} differ`);
    }
    report.alone(
      `diff.${name}`,
      's',
      quantile(
        seconds.sort((a, b) => a - b),
        0.5,
      ),
      `${last} decisions decided again, requested over HTTP`,
    );
  }
}
