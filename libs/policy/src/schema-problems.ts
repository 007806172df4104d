import { z } from 'zod';
import { nearest } from './problem';
import type { Path } from './yaml/yaml-file';

/** A fault that a schema has found, at a place in the value. */
export interface SchemaProblem {
  readonly path: Path;
  readonly message: string;
  readonly suggestion?: string | undefined;
  /** it is about the name of the member, not about its value */
  readonly name?: boolean;
}

/** Returns every fault of a value, for people, with the nearest known name where one is misspelled. */
export function schemaProblems(schema: z.ZodType, value: unknown): SchemaProblem[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).flatMap((issue) => problemsOf(issue, schema, value));
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): SchemaProblem[] {
  const path = issue.path.map((each) => (typeof each === 'symbol' ? String(each) : each));
  const given = valueAt(value, path);
  const last = path[path.length - 1];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = membersOf(schema, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        name: true,
        message: `unknown member ${key}${known.length === 0 ? '' : `; known are ${known.join(', ')}`}`,
        suggestion: nearest(key, known),
      }));
    }
    case 'invalid_type':
      if (given === undefined) return [{ path, message: `the member ${String(last)} is missing` }];
      return [{ path, message: `must be ${TYPE_TEXT[issue.expected] ?? issue.expected}, and is ${kindOf(given)}` }];
    case 'invalid_value': {
      if (given === undefined) return [{ path, message: `the member ${String(last)} is missing` }];
      const values = issue.values.map(String);
      const suggestion = typeof given === 'string' ? nearest(given, values) : undefined;
      const some = values.length > 12 ? [...values.slice(0, 12), '…'] : values;
      return [
        {
          path,
          message: `must be ${some.length > 1 ? 'one of ' : ''}${some.join(', ')}, and is ${shown(given)}`,
          suggestion,
        },
      ];
    }
    case 'invalid_key':
      return [{ path, name: true, message: `the name ${String(last)} ${issue.issues[0]?.message ?? 'is refused'}` }];
    case 'too_small':
      return [{ path, message: `must have at least ${String(issue.minimum)} ${COUNTED[issue.origin] ?? ''}`.trim() }];
    case 'too_big':
      return [{ path, message: `must have at most ${String(issue.maximum)} ${COUNTED[issue.origin] ?? ''}`.trim() }];
    case 'invalid_union': {
      if (issue.message !== 'Invalid input') return [{ path, message: issue.message }];
      const forms = issue.errors.map(([first]) => first?.message ?? '').filter((text) => text !== '');
      return [{ path, message: `has none of the forms that it may have: ${[...new Set(forms)].join('; or ')}` }];
    }
    default:
      return [{ path, message: issue.message }];
  }
}

const TYPE_TEXT: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (name: value)',
  record: 'a mapping (name: value)',
};
const COUNTED: Readonly<Record<string, string>> = { array: 'entries', string: 'characters' };

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return `the ${typeof value === 'string' ? 'text' : typeof value} ${shown(value)}`;
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** Returns the names of the members that a mapping at this path may have. */
function membersOf(schema: z.ZodType, path: Path): string[] {
  let at = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = bare(at.shape[step as string]);
    else if (at instanceof z.ZodArray) at = bare(at.element);
    else if (at instanceof z.ZodRecord) at = bare(at.valueType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function bare(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodLazy) at = at.unwrap();
  // of the forms that a value may have, only one is a mapping
  return at instanceof z.ZodUnion ? at.options.find((each) => bare(each) instanceof z.ZodObject) : at;
}
