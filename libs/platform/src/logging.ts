import type { LoggerService } from '@nestjs/common';
import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

/**
 * Creates a logger that writes one JSON line per entry to standard output. Members whose names suggest a secret are
 * censored. A line that cannot be written, such as to a full disk, is lost: the service continues without it.
 */
export function makeLogger(service: string, level: string): Logger {
  const output = pino.destination({ dest: 1, sync: true, maxLength: HELD_BYTES });
  output.on('error', () => undefined);
  return pino(
    {
      name: service,
      level,
      redact: { paths: SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
      serializers: { err: pino.stdSerializers.err },
    },
    output,
  );
}

/** maximum size of lines not yet written */
const HELD_BYTES = 256 * 1024;

const SECRET = ['authorization', 'dpop', 'token', 'key', 'password', 'pass', 'secret', 'databaseUrl'];

/** Passes Nest's log lines to the same logger. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}
  log(message: unknown, context?: string): void {
    this.logger.debug({ context }, String(message));
  }
  error(message: unknown, stack?: string, context?: string): void {
    this.logger.error({ context, stack }, String(message));
  }
  warn(message: unknown, context?: string): void {
    this.logger.warn({ context }, String(message));
  }
  debug(message: unknown, context?: string): void {
    this.logger.trace({ context }, String(message));
  }
}
