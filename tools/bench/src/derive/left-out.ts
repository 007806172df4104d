import type { CompiledRules } from '@bailiwick/authority/sequences/compile';
import { compileRules } from '@bailiwick/authority/sequences/compile';
import type { StatedRule } from '@bailiwick/contracts/policy/rule';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { grantOf } from '@bailiwick/policy/derive/derived-lease';
import { deriveLease, readsIn } from '@bailiwick/policy/derive/derive-lease';
import { classNovelty, type ClassNovelty } from '@bailiwick/policy/derive/evidence';
import type { RecordedCall } from '@bailiwick/policy/derive/recorded-run';
import { asRunOf } from '@bailiwick/policy/derive/task-values';
import { Rehearsal } from '@bailiwick/policy/rehearsal/rehearsal';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { LabeledRun } from './recorded';

/** What a lease adds to what the runs of its task did: nothing, what it asks about, or what other tasks of the class read. */
export type Reads = 'task' | 'asks' | 'class';

/** Leases derived from the clean runs of all models but one. */
export class LeftOut {
  private readonly classes = new Map<string, { novelty: ClassNovelty; reads: Set<string> }>();
  private readonly leases = new Map<string, DerivedFor | undefined>();

  constructor(private readonly clean: readonly LabeledRun[]) {}

  /** Returns the lease for the task of a run; undefined if no other model has a clean run of it. */
  leaseFor({ suite, task, model }: LabeledRun, reads: Reads): DerivedFor | undefined {
    const key = JSON.stringify([suite, task, model, reads]);
    if (!this.leases.has(key)) this.leases.set(key, this.derived(suite, task, model, reads));
    return this.leases.get(key);
  }

  private derived(suite: string, task: string, model: string, reads: Reads): DerivedFor | undefined {
    const runs = this.clean
      .filter((run) => run.suite === suite && run.model !== model)
      .flatMap((run) => asRunOf(task, run) ?? []);
    if (runs.length === 0) return undefined;
    const ofClass = this.classOf(suite, model);
    const options = reads === 'task' ? { novelty: ofClass.novelty } : ofClass;
    const lease = deriveLease(runs, { ...options, asks: reads === 'asks' });
    return new DerivedFor(suite, grantOf(lease), compiled(lease.rules));
  }

  private classOf(suite: string, model: string): { novelty: ClassNovelty; reads: Set<string> } {
    const key = JSON.stringify([suite, model]);
    const known = this.classes.get(key);
    if (known) return known;
    const runs = this.clean.filter((run) => run.suite === suite && run.model !== model);
    const made = { novelty: classNovelty(runs), reads: readsIn(runs) };
    this.classes.set(key, made);
    return made;
  }
}

/** A derived lease, decided by the rules of the product on a log in memory, with its own rules over sequences alone. */
export class DerivedFor {
  constructor(
    private readonly agentClass: string,
    private readonly grant: GrantRequest,
    private readonly rules: CompiledRules,
  ) {}

  /**
   * Decides the calls of a run in their order until one is denied. Calls that failed anyway had no effect, and
   * need no permit, unless they were injected.
   * @returns the index of the denied call, and of those before it about which a person is asked
   */
  decide(
    calls: readonly RecordedCall[],
    injected: readonly number[],
  ): { denied: number | undefined; asked: readonly number[] } {
    const rehearsal = new Rehearsal({ catalog: DEFAULT_CATALOG, rules: this.rules }, judgeTrajectory);
    const opened = rehearsal.open({ class: this.agentClass }, this.grant);
    if (!opened.ok) throw new Error(`a derived lease is refused: ${opened.error.detail}`);
    const asked: number[] = [];
    for (const [index, { verb, resource, attributes, effects, completed }] of calls.entries()) {
      if (!completed && !injected.includes(index)) continue;
      const call = { verb, args: {}, effect: effects.at(-1), drift: 0 };
      const answer = rehearsal.ask(call, { ...resource, attributes });
      if (!answer.ok) throw new Error(`call ${index} is refused: ${answer.error.detail}`);
      if (answer.value.decision === 'deny') return { denied: index, asked };
      if (answer.value.decision === 'step-up') asked.push(index);
      else rehearsal.settle(answer.value.actionId, 'completed', undefined);
    }
    return { denied: undefined, asked };
  }
}

function compiled(rules: readonly StatedRule[]): CompiledRules {
  const result = compileRules(rules);
  if (!result.ok) throw new Error(`derived rules have faults: ${result.error[0]?.message}`);
  return result.value;
}
