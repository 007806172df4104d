import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { readBody } from '@bailiwick/edge/json-body';
import { Refused } from '../problems/problem';

/** Issues named in one problem; more would only repeat the same mistake. */
const ISSUES_MAX = 8;

/** Checks one part of a request against its schema. */
export class ZodPipe implements PipeTransform {
  constructor(
    readonly schema: z.ZodType,
    private readonly part: 'path' | 'query' | 'body',
  ) {}

  /** @throws Refused NOT_FOUND for a path, BAD_REQUEST for anything else that does not match */
  transform(value: unknown): unknown {
    const parsed = this.schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const detail = parsed.error.issues
      .slice(0, ISSUES_MAX)
      .map((issue) => `${issue.path.join('.') || this.part}: ${issue.message}`)
      .join('; ');
    throw new Refused(this.part === 'path' ? 'NOT_FOUND' : 'BAD_REQUEST', detail);
  }
}

/** Parses the bytes of a body as JSON, then checks the value. */
export class BodyPipe extends ZodPipe {
  constructor(schema: z.ZodType) {
    super(schema, 'body');
  }

  override transform(value: unknown): unknown {
    return super.transform(readBody(value as Buffer | undefined));
  }
}

/** Decodes the bytes of a body as text; no body is the empty text. */
export class TextPipe implements PipeTransform {
  transform(value: unknown): string {
    return (value as Buffer | undefined)?.toString() ?? '';
  }
}
