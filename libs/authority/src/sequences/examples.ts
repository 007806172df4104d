import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { InFlight, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import { COUNTER_OF } from '@bailiwick/contracts/grants/grant';
import type { ExampleStep } from '@bailiwick/contracts/policy/rule';
import { parseDuration } from '@bailiwick/core/duration';
import { normalizeVerb } from '../matching/verbs/verb';
import type { CompiledRules } from './compile';
import { feed, type Kept } from './kept';
import { IN_FLIGHT } from './matcher';
import { LABEL_OF, type Step } from './step';

/** Every example starts at the same time. */
const START = Date.UTC(2026, 0, 1);

/** Reports whether the only rule of a list objects to the last step of an example. */
export function firesOn({ list, ...rules }: CompiledRules, example: readonly ExampleStep[]): boolean {
  const first: Record<string, Trajectory['first'][string]> = {};
  const inFlight: InFlight[] = [];
  let kept: Kept | undefined;
  let now = START;
  const steps = example.flatMap((each) => Array.from({ length: each.times ?? 1 }, (_, n) => ({ each, n })));
  for (const [position, { each, n }] of steps.entries()) {
    now += parseDuration(each.after ?? '1s') ?? 0;
    const step = { ...stepIn(each, n), actionId: `step ${position}` };
    if (position === steps.length - 1)
      return list.some((rule) => rule.objection({ first, inFlight, kept, now }, requested(step)) !== undefined);
    const { runId } = step;
    for (const label of step.labels) {
      if (!IN_FLIGHT.has(label)) first[label] ??= { actionId: `step ${position}`, runId, position };
      else
        inFlight.push({ id: `step ${position}`, runId, position, charge: { external: Number(label === 'open:send') } });
    }
    kept = feed(kept, { list, ...rules }, step, now);
    if (each.returns !== undefined && step.kind === 'permitted')
      kept = feed(
        kept,
        { list, ...rules },
        { ...step, kind: 'ended', labels: [], effects: [], marks: each.returns },
        now,
      );
  }
  return false;
}

function stepIn(
  {
    kind = 'permitted',
    labels = [],
    effects = ['read'],
    verb,
    resource,
    class: agentClass,
    run = 'run',
    cost,
    units,
    values,
    returns,
  }: ExampleStep,
  n: number,
): Step {
  const normal = verb === undefined ? undefined : normalizeVerb(verb);
  const implied = effects.flatMap((each) => LABEL_OF[each] ?? []);
  const charge: Consumed = { calls: 1, reads: 0, writes: 0, external: 0, cost: cost ?? {}, units };
  for (const each of effects) charge[COUNTER_OF[each]] += 1;
  return {
    kind,
    labels: kind === 'permitted' ? [...new Set([...labels, ...implied])] : labels,
    effects,
    verb: normal?.ok ? normal.value : verb,
    resource: resource && { type: resource.type, id: resource.id.replaceAll('{n}', String(n)) },
    runId: run,
    agentClass,
    charge,
    marks: kind === 'result' ? returns : values,
  };
}

/** Returns a step as an action that is asked for. */
function requested({ labels, effects, verb, resource, runId, agentClass, charge, marks }: Step): TrajectoryStep {
  const effect = effects[effects.length - 1] ?? 'read';
  return {
    labels,
    effect,
    effects,
    runId,
    ...(verb === undefined ? {} : { verb }),
    ...(resource === undefined ? {} : { resource }),
    ...(agentClass === undefined ? {} : { agentClass }),
    ...(charge === undefined ? {} : { charge }),
    ...(marks === undefined ? {} : { marks }),
  };
}
