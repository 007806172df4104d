import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { RecordedRun as Trace } from '@bailiwick/cli/demo/read-traces';
import { callOfTool } from '@bailiwick/policy/derive/call-of-tool';
import type { RecordedRun } from '@bailiwick/policy/derive/recorded-run';

/** A recorded run with what the counting needs. */
export interface LabeledRun extends RecordedRun {
  readonly suite: string;
  readonly model: string;
  readonly kind: 'clean' | 'hijacked' | 'other';
  /** the indexes of the calls that an injected instruction caused */
  readonly injected: readonly number[];
  readonly firstInjected: number;
  /** the first of them that does more than read; the first of all if none does */
  readonly firstEffect: number;
}

const CLEAN: ReadonlySet<string> = new Set(['benign', 'benign-injection-as-user']);

export function recordedFrom(trace: Trace, catalog: Catalog): LabeledRun {
  const { id, suite, model, goal, class: kind } = trace;
  const calls = trace.calls.map((call) => callOfTool(call, catalog));
  const injected = (trace.labels?.injectedCalls ?? []).map(([index]) => index).sort((a, b) => a - b);
  const firstInjected = injected[0] ?? calls.length - 1;
  const isRead = (index: number): boolean => calls[index]?.effects.every((each) => each === 'read') ?? true;
  return {
    id,
    agentClass: suite,
    task: goal,
    calls,
    suite,
    model,
    kind: CLEAN.has(kind) ? 'clean' : kind === 'hijacked' ? 'hijacked' : 'other',
    injected,
    firstInjected,
    firstEffect: injected.find((index) => !isRead(index)) ?? firstInjected,
  };
}
