import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { RefusedError } from './refused';

/** Parses the payload of a request: `@Payload(new ZodPipe(schema))`. */
export class ZodPipe<S extends z.ZodType> implements PipeTransform<unknown, z.infer<S>> {
  constructor(private readonly schema: S) {}

  /** @throws RefusedError with the first mismatch */
  transform(payload: unknown): z.infer<S> {
    const parsed = this.schema.safeParse(payload);
    if (parsed.success) return parsed.data;
    throw new RefusedError('BAD_REQUEST', parsed.error.issues[0]?.message ?? 'malformed');
  }
}
