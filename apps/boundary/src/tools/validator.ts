import { createContext, Script } from 'node:vm';
import Ajv, { type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import Ajv2019 from 'ajv/dist/2019';
import Ajv2020 from 'ajv/dist/2020';
import { LRUCache } from 'lru-cache';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Definition } from './definition';
import { safePattern } from './safe-pattern';

/** Returns why arguments do not fit the schema; undefined if they do. @throws Error if the schema cannot be used */
type Validate = (args: unknown) => string | undefined;

const OPTIONS: Options = {
  strict: false,
  allErrors: false,
  validateFormats: false, // annotations, by JSON Schema 2020-12
  addUsedSchema: false,
  inlineRefs: false, // or references that branch would multiply the code
  logger: false,
  code: { regExp: safePattern },
};

/** Validates arguments of tools by the schemas of their servers, which are not trusted. */
export class ArgumentValidator {
  private readonly known = new LRUCache<string, { readonly validate: Validate } | { readonly fault: string }>({
    max: BOUNDARY_LIMITS.validatorsKept,
  });

  /**
   * Returns why arguments are not valid for a tool; undefined if they are.
   * @returns `fault` if the schema itself cannot be used: no arguments can be known to be valid
   */
  problemWith({ digest, inputSchema }: Definition, args: unknown): { problem?: string; fault?: string } {
    let known = this.known.get(digest);
    if (!known) {
      known = compiled(inputSchema);
      // a busy machine may be the reason of a fault
      this.known.set(digest, known, 'fault' in known ? { ttl: BOUNDARY_LIMITS.faultKeptMs } : {});
    }
    if ('fault' in known) return { fault: known.fault };
    try {
      const problem = known.validate(args);
      return problem === undefined ? {} : { problem };
    } catch (error) {
      return { fault: `validating the arguments failed: ${(error as Error).message}` };
    }
  }
}

function compiled(schema: unknown): { validate: Validate } | { fault: string } {
  try {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new Error('it is not an object');
    const isSlow = checkBounds(schema);
    const validate = guarded(isSlow, () => engineFor(schema).compile(schema), BOUNDARY_LIMITS.compileMs);
    return {
      validate: (args) =>
        guarded(isSlow, () => validate(args), BOUNDARY_LIMITS.validationMs) ? undefined : reasonOf(validate),
    };
  } catch (error) {
    return { fault: `the input schema cannot be used: ${(error as Error).message}` };
  }
}

/** Each schema has a separate engine, so that none refers to another. A dialect that is not known is a fault. */
function engineFor(schema: object): Ajv {
  const { $schema: dialect = 'https://json-schema.org/draft/2020-12/schema' } = schema as { $schema?: unknown };
  switch (String(dialect).replace(/#$/, '')) {
    case 'https://json-schema.org/draft/2020-12/schema':
      return new Ajv2020(OPTIONS);
    case 'https://json-schema.org/draft/2019-09/schema':
      return new Ajv2019(OPTIONS);
    case 'http://json-schema.org/draft-07/schema':
      return new Ajv(OPTIONS);
    default:
      throw new Error(`the dialect ${String(dialect).slice(0, 80)} is not supported`);
  }
}

/**
 * Checks the size and the depth of a schema, and that it refers to nothing outside of it.
 * @returns whether its compilation or a validation could take long: it is large, or has references, patterns or `uniqueItems`
 */
function checkBounds(schema: object): boolean {
  let values = 0;
  let isSlow = false;
  const visit = (value: unknown, depth: number): void => {
    if (++values > BOUNDARY_LIMITS.schemaValues)
      throw new Error(`it has more than ${BOUNDARY_LIMITS.schemaValues} values`);
    if (typeof value !== 'object' || value === null) return;
    if (depth > BOUNDARY_LIMITS.schemaDepth) throw new Error(`it has more than ${BOUNDARY_LIMITS.schemaDepth} levels`);
    for (const [name, each] of Object.entries(value)) {
      if (SLOW.has(name.toLowerCase())) isSlow = true;
      if (REFERENCES.has(name.toLowerCase()) && typeof each === 'string' && !each.startsWith('#'))
        throw new Error('it refers to a schema outside of it');
      visit(each, depth + 1);
    }
  };
  visit(schema, 0);
  return isSlow || values > BOUNDARY_LIMITS.quickSchemaValues;
}

const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicref', '$recursiveref']);
const SLOW: ReadonlySet<string> = new Set([...REFERENCES, 'pattern', 'patternproperties', 'uniqueitems']);

const bound: { work: () => unknown } = { work: () => undefined };
const context = createContext({ run: () => bound.work() });
const script = new Script('run()');

/** Runs work that could take any time, for a bounded time. @throws Error if it takes longer */
function guarded<T>(needed: boolean, work: () => T, timeout: number): T {
  if (!needed) return work();
  bound.work = work;
  try {
    return script.runInContext(context, { timeout }) as T;
  } finally {
    bound.work = () => undefined;
  }
}

function reasonOf({ errors }: ValidateFunction): string {
  const [error] = (errors ?? []) as Partial<ErrorObject>[];
  const at = (error?.instancePath ?? '') === '' ? 'arguments' : `arguments${error?.instancePath ?? ''}`;
  const extra = error?.params as { additionalProperty?: unknown; missingProperty?: unknown } | undefined;
  const name = extra?.additionalProperty;
  return `${at} ${error?.message ?? 'are not valid'}${typeof name === 'string' ? `: ${name}` : ''}`.slice(0, 500);
}
