import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { InvalidPayload } from './refused-error';

/** Parses the payload of a request of another service: `@Payload(new ZodPipe(schema))`. */
export class ZodPipe<S extends z.ZodType> implements PipeTransform<unknown, z.infer<S>> {
  constructor(private readonly schema: S) {}

  /** @throws InvalidPayload that names the first member that does not match */
  transform(payload: unknown): z.infer<S> {
    const parsed = this.schema.safeParse(payload);
    if (parsed.success) return parsed.data;
    const { path = [], message = 'malformed' } = parsed.error.issues[0] ?? {};
    throw new InvalidPayload(path.length === 0 ? message : `${path.join('.')}: ${message}`);
  }
}
