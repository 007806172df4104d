import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Scalar } from '@bailiwick/contracts/grants/grant';
import { remembered } from '@bailiwick/core/memo';
import type { RecordedCall, RecordedRun } from './recorded-run';
import { keyOfValue, kindOf, namedBy } from './values';

/** A place in the shape of a task, for the value that is named there. */
const PLACE: Readonly<Record<ReturnType<typeof kindOf>, string>> = {
  number: '{number}',
  address: '{address}',
  text: '{text}',
};

/**
 * Returns a task with a place for each value that it names, in lower case: tasks that differ in addresses, numbers and texts
 * in quotation marks alone have one shape.
 */
export const shapeOfTask = remembered(shapeOf, 1_000);

function shapeOf(task: string): { readonly shape: string; readonly values: readonly string[] } {
  const named = namedBy(task).sort((a, b) => b.length - a.length);
  const values: string[] = [];
  let shape = '';
  let rest = task;
  while (rest !== '') {
    const next = named
      .map((value) => ({ value, at: rest.indexOf(value) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.value.length - a.value.length)[0];
    if (next === undefined) break;
    shape += rest.slice(0, next.at) + PLACE[kindOf(next.value)];
    values.push(next.value);
    rest = rest.slice(next.at + next.value.length);
  }
  return { shape: (shape + rest).toLowerCase().replace(/\s+/g, ' ').trim(), values };
}

/** Shorter ones appear in calls by chance. */
const SHORTEST = 3;

/**
 * Returns a run as a run of another task of the same shape: what the task of the run names is replaced, in resources and
 * attributes, by what the other task names at its place. Undefined if the tasks differ in more than the values they name, or
 * in an amount or a subject while the run spent something: how much the other task spends is then not known.
 */
export function asRunOf(task: string, run: RecordedRun): RecordedRun | undefined {
  if (run.task === task) return run;
  const [from, to] = [shapeOfTask(run.task), shapeOfTask(task)];
  if (from.shape !== to.shape || from.values.length !== to.values.length) return undefined;
  const others = new Map<string, string>();
  for (const [i, value] of from.values.entries()) {
    const other = to.values[i] as string;
    if (keyOfValue(value) === keyOfValue(other)) continue;
    if (value.length < SHORTEST || (others.get(keyOfValue(value)) ?? other) !== other) return undefined;
    if (kindOf(value) !== 'address' && run.calls.some(spends)) return undefined;
    others.set(keyOfValue(value), other);
  }
  const scalar = (value: Scalar): Scalar => {
    const other = others.get(keyOfValue(value));
    if (other === undefined) return value;
    return typeof value === 'number' && Number.isFinite(Number(other)) ? Number(other) : other;
  };
  const attribute = (value: Attribute): Attribute => (Array.isArray(value) ? value.map(scalar) : scalar(value));
  const calls = run.calls.map((call) => ({
    ...call,
    resource: { ...call.resource, id: String(scalar(call.resource.id)) },
    attributes: Object.fromEntries(Object.entries(call.attributes).map(([name, value]) => [name, attribute(value)])),
  }));
  return { ...run, task, calls };
}

const spends = ({ cost = {}, units = {} }: RecordedCall): boolean => Object.keys({ ...cost, ...units }).length > 0;
