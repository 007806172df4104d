import type { AnsweredObligation } from '@bailiwick/contracts/obligations/obligation';
import { err, ok, type Result } from '@bailiwick/core/result';
import { exceedsDepth } from '@bailiwick/core/json';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { ValueBudget } from './result-values';

/** The obligations that the boundary applies; a permit with any other is a denial. */
export const APPLIED = ['remove_fields', 'redact'] as const;

type Json = Record<string, unknown>;
interface Change {
  readonly steps: readonly string[];
  readonly remove: boolean;
}
const REDACTED = '[redacted]';

/**
 * Applies the obligations of a permit to a result: to its structured content, and to each text that is JSON. A result with
 * other content cannot be known to be free of the fields. Members that MCP does not define are left out for the same reason.
 * @param result the result of `tools/call` as it was written
 * @returns as the error, why the result must be withheld
 */
export function fulfilled(result: string, obligations: readonly AnsweredObligation[]): Result<string, string> {
  const read = changesOf(obligations);
  if (!read.ok) return read;
  const changes = read.value;
  if (changes.length === 0) return ok(result);
  const { content = [], structuredContent, isError, resultType } = JSON.parse(result) as Json;
  const isKnown = Array.isArray(content) && (structuredContent === undefined || isObject(structuredContent));
  if (!isKnown || (resultType ?? 'complete') !== 'complete')
    return err('fields must be removed from the result, which has another form than results of tools');
  const blocks: Json[] = [];
  const budget = new ValueBudget();
  for (const block of content as unknown[]) {
    const changed = changedBlock(block, changes, budget);
    if (!changed.ok) return changed;
    blocks.push(changed.value);
  }
  changes.forEach((each) => change(structuredContent, each.steps, each.remove));
  return ok(JSON.stringify({ content: blocks, structuredContent, ...(isError === true ? { isError } : {}) }));
}

/** Applies the obligations of a permit to a text that is JSON. @returns as the error, why it must be withheld */
export function fulfilledJson(text: string, obligations: readonly AnsweredObligation[]): Result<string, string> {
  const changes = changesOf(obligations);
  if (!changes.ok) return changes;
  if (changes.value.length === 0) return ok(text);
  const value = parsed(text, new ValueBudget());
  if (typeof value !== 'object' || value === null)
    return err('fields must be removed from it, and it is not JSON, or too large or nested too deeply');
  changes.value.forEach((each) => change(value, each.steps, each.remove));
  return ok(JSON.stringify(value));
}

function changesOf(obligations: readonly AnsweredObligation[]): Result<Change[], string> {
  const unknown = obligations.find((each) => typeof each === 'object' && !APPLIED.some((kind) => kind === each.kind));
  if (unknown !== undefined) return err('the permit obliges to what this enforcement point does not apply');
  return ok(
    obligations.flatMap((each): Change[] =>
      typeof each === 'object' && (each.kind === 'remove_fields' || each.kind === 'redact')
        ? each.fields.map((field) => ({ steps: stepsOf(field), remove: each.kind === 'remove_fields' }))
        : [],
    ),
  );
}

function changedBlock(block: unknown, changes: readonly Change[], budget: ValueBudget): Result<Json, string> {
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown };
  if (type !== 'text' || typeof text !== 'string')
    return err('fields must be removed from the result, and a part of it is neither text nor JSON');
  const value = parsed(text, budget);
  if (typeof value !== 'object' || value === null)
    return err(
      'fields must be removed from the result, and a text of it is not JSON, or too large or nested too deeply',
    );
  changes.forEach((each) => change(value, each.steps, each.remove));
  return ok({ type, text: JSON.stringify(value) });
}

/** Parses JSON that can be written again. */
function parsed(text: string, budget: ValueBudget): unknown {
  try {
    return !budget.admits(text) || exceedsDepth(text, BOUNDARY_LIMITS.messageDepth)
      ? undefined
      : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Removes or replaces what a pointer reaches; the step `*` stands for each element or member. */
function change(value: unknown, [step, ...below]: readonly string[], remove: boolean): void {
  if (typeof value !== 'object' || value === null || step === undefined) return;
  const names = step === '*' ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  for (const name of names.reverse()) {
    if (below.length > 0) change((value as Json)[name], below, remove);
    else if (!remove) (value as Json)[name] = REDACTED;
    else if (Array.isArray(value)) value.splice(Number(name), 1);
    else Reflect.deleteProperty(value, name);
  }
}

const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
