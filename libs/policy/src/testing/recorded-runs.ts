import { compileRules } from '@bailiwick/authority/sequences/compile';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { DEFAULT_CATALOG } from '../default-catalog';
import { callOfTool } from '../derive/call-of-tool';
import type { DerivedLease } from '../derive/derived-lease';
import { grantOf } from '../derive/derived-lease';
import type { RecordedRun } from '../derive/recorded-run';
import { Rehearsal } from '../rehearsal/rehearsal';

export type Call = readonly [tool: string, args?: Readonly<Record<string, unknown>>, error?: string];

/** Makes a run of calls of tools. */
export const runOf = (task: string, calls: readonly Call[], id = 'run'): RecordedRun => ({
  id,
  agentClass: 'clerk',
  task,
  calls: calls.map(([tool, args = {}, error]) => callOfTool({ tool, args, result: '', error }, DEFAULT_CATALOG)),
});

/** Decides the calls of a run under a derived lease. Returns one decision each. */
export function decisionsOf(lease: DerivedLease, { calls }: RecordedRun): string[] {
  const rules = compileRules(lease.rules);
  if (!rules.ok) throw new Error(rules.error[0]?.message);
  const rehearsal = new Rehearsal({ catalog: DEFAULT_CATALOG, rules: rules.value }, judgeTrajectory);
  const opened = rehearsal.open({ class: 'clerk' }, grantOf(lease));
  if (!opened.ok) throw new Error(opened.error.detail);
  return calls.map(({ verb, effects, resource, attributes }) => {
    const asked = rehearsal.ask({ verb, effect: effects.at(-1), drift: 0 }, { ...resource, attributes });
    if (!asked.ok) throw new Error(asked.error.detail);
    return asked.value.decision;
  });
}
