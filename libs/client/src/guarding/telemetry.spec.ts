import {
  context,
  propagation,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type Context,
  type ContextManager,
  type Span,
  type SpanOptions,
  type TracerProvider,
} from '@opentelemetry/api';
import { AsyncLocalStorage } from 'node:async_hooks';
import { recorded } from './telemetry';

interface Ended {
  readonly name: string;
  readonly kind: number | undefined;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
  readonly error: string | undefined;
}

/** The smallest tracer that an application could register: it keeps the spans that have ended. */
function register(): Ended[] {
  const ended: Ended[] = [];
  let count = 0;
  const startSpan = (name: string, { kind, attributes = {} }: SpanOptions = {}, parent?: Context): Span => {
    const spanId = String((count += 1)).padStart(16, '0');
    const above = parent && trace.getSpan(parent)?.spanContext();
    const all: Attributes = { ...attributes };
    let error: string | undefined;
    const span = {
      spanContext: () => ({ traceId: above?.traceId ?? 'a'.repeat(32), spanId, traceFlags: 1 }),
      setAttribute: (key: string, value: string) => void (all[key] = value),
      setAttributes: (more: Attributes) => void Object.assign(all, more),
      setStatus: ({ message }: { message?: string }) => void (error = message),
      end: () => void ended.push({ name, kind, parent: above?.spanId, attributes: all, error }),
    };
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as unknown as TracerProvider);
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (own: Context, work: () => unknown) => storage.run(own, work),
    disable: () => undefined,
  } as unknown as ContextManager);
  propagation.setGlobalPropagator({
    inject: (from, carrier) => {
      const own = trace.getSpan(from)?.spanContext();
      if (own) (carrier as Record<string, string>)['traceparent'] = `00-${own.traceId}-${own.spanId}-01`;
    },
    extract: (into, carrier) => {
      const [, traceId, spanId] = ((carrier as Record<string, string>)['traceparent'] ?? '').split('-');
      return traceId && spanId ? trace.setSpanContext(into, { traceId, spanId, traceFlags: 1, isRemote: true }) : into;
    },
    fields: () => ['traceparent'],
  });
  return ended;
}

describe('a recorded piece of work', () => {
  afterEach(() => {
    for (const each of [trace, context, propagation]) each.disable();
  });
  const given = { traceparent: `00-${'b'.repeat(32)}-${'c'.repeat(16)}-01` };

  it('passes the given trace context on, and records nothing, without an SDK', async () => {
    await expect(recorded('x', 'client', {}, given, async ({ headers }) => headers)).resolves.toEqual(given);
  });

  it('is a span below that of the caller, with its attributes, and the active one within', async () => {
    const ended = register();
    const headers = await recorded('outer', 'internal', { a: 1 }, given, async (outer) => {
      outer.set({ b: ['x'] });
      return outer.within(() => recorded('inner', 'client', {}, {}, async (inner) => inner.headers));
    });
    expect(ended).toEqual([
      { name: 'inner', kind: 2, parent: '0000000000000001', attributes: {}, error: undefined },
      { name: 'outer', kind: 0, parent: 'c'.repeat(16), attributes: { a: 1, b: ['x'] }, error: undefined },
    ]);
    expect(headers).toEqual({ traceparent: `00-${'b'.repeat(32)}-0000000000000002-01` });
  });

  it.each([
    [
      'the code of an error',
      Object.assign(new Error('of hunter2'), { code: 'ACTION_NOT_ALLOWED' }),
      'ACTION_NOT_ALLOWED',
    ],
    ['the name of an error without a code', new TypeError('of hunter2'), 'TypeError'],
    ['a name for what is no error', undefined, 'Error'],
  ])('has %s as its error.type, without the message, and throws it', async (_, failure, type) => {
    const ended = register();
    const work = async (): Promise<never> => {
      throw failure; // eslint-disable-line @typescript-eslint/only-throw-error
    };
    await expect(recorded('x', 'client', {}, {}, work)).rejects.toBe(failure);
    expect(ended[0]).toMatchObject({ attributes: { 'error.type': type } });
    expect(JSON.stringify(ended)).not.toContain('hunter2');
  });
});
