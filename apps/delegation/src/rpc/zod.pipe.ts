import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { RefusedException } from './refused.exception';

/** Validates a payload against a schema. */
export class ZodPipe<T> implements PipeTransform<unknown, T> {
  /** @param detail the text of the refusal; the first issue of the schema by default */
  constructor(
    private readonly schema: z.ZodType<T>,
    private readonly detail?: string,
  ) {}

  transform(payload: unknown): T {
    const parsed = this.schema.safeParse(payload);
    if (parsed.success) return parsed.data;
    const detail = this.detail ?? parsed.error.issues[0]?.message ?? 'malformed';
    throw new RefusedException({ code: 'BAD_REQUEST', detail });
  }
}
