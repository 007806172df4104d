import fc from 'fast-check';
import { act } from '@bailiwick/authority/testing/harness';
import { words } from '@bailiwick/receipts/testing/sealed-log';
import { DriftingLog, LEASE, PAGE } from './drifting';

/** A step of a run or a person; the numbers select among the existing grants and variants. */
export interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly which: number;
  readonly how: number;
}
const KINDS = [
  'start',
  'delegate',
  'read',
  'read',
  'look',
  'look',
  'write',
  'write',
  'mail',
  'mail',
  'resume',
  'resume',
  'complete',
  'revoke',
] as const;
const PURPOSES = [
  'Summarize the quarterly report at reports.example/q3',
  'Mail the report to bob@x.example',
  'Tidy the calendar',
];
const PEOPLE = ['eve@outside.example', 'bob@x.example', 'carol@y.example'];

const step = fc.record({ kind: fc.constantFrom(...KINDS), which: fc.nat(99), how: fc.nat(99) });
/** Starts with a run; any steps follow. */
export const steps = (most: number): fc.Arbitrary<Step[]> =>
  fc
    .array(step, { minLength: 5, maxLength: most, size: 'max' })
    .map((all) => [{ kind: 'start', which: 0, how: 0 }, ...all]);

export function take(log: DriftingLog, { kind, which, how }: Step): void {
  const { state } = log;
  const grants = [...state.grants.keys()];
  const grantId = grants[which % Math.max(1, grants.length)] ?? '';
  const runId = state.grants.get(grantId)?.runId ?? '';
  log.now += 1_000;
  switch (kind) {
    case 'start':
      return void log.start(
        { ...LEASE, purpose: { onDrift: { stepUpAt: 0.4 + (how % 3) / 10, suspendAt: 0.8 } } },
        PURPOSES[how % 3],
      );
    case 'delegate':
      return void log.try('delegate', {
        grantId,
        agent: { class: 'helper' },
        purposeRef: `ref_${'1'.repeat(26)}`,
        grant: {},
        payload: words({ task: how % 2 ? 'Look around' : `Write to ${PEOPLE[how % 3]}` }),
      });
    case 'read':
      return log.read(grantId, how % 2 ? PAGE : 'All is well.');
    case 'look':
      return void act(log, grantId, 'file.read', {
        resource: { type: 'file', id: `f/${how}` },
        payload: words({ args: { path: `f/${how}` } }),
      });
    case 'write':
      return void log.write(grantId, `c/${how % 5}`);
    case 'mail':
      return void log.mail(grantId, PEOPLE[how % 3] as string);
    case 'resume':
      return void log.try('resume', { grantId, reasonCode: 'LOOKED' });
    case 'complete':
      if (how % 4 === 0) log.try('completeRun', { runId });
      return;
    case 'revoke':
      if (how % 8 === 0) log.try('revokeGrant', { grantId });
  }
}
