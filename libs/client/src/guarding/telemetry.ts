/** Headers of the W3C trace context: `traceparent`, `tracestate`, `baggage`. */
export type TraceHeaders = Readonly<Record<string, string>>;
export type Attributes = Record<string, string | number | boolean | string[]>;

/** The part of a span that guarded calls use. */
export interface Recording {
  set(attributes: Attributes): void;
  /** the headers by which others continue the trace */
  readonly headers: TraceHeaders;
  /** runs within the span, so that spans started there are below it */
  within<T>(work: () => T): T;
}

/**
 * Records work as a span of OpenTelemetry, below the active span or the given trace context. Without the package
 * `@opentelemetry/api` it only passes the given trace context on.
 * @param trace of the caller, used if no span is active
 */
export async function recorded<T>(
  name: string,
  kind: 'internal' | 'client',
  attributes: Attributes,
  trace: TraceHeaders,
  work: (recording: Recording) => Promise<T>,
): Promise<T> {
  const api = await loaded();
  if (!api) return work({ set: () => undefined, headers: trace, within: (inner) => inner() });
  const { context, propagation, trace: tracing, SpanKind, SpanStatusCode } = api;
  const active = context.active();
  const parent = tracing.getSpan(active) ? active : propagation.extract(active, trace);
  const span = tracing
    .getTracer('@bailiwick/client')
    .startSpan(name, { kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes }, parent);
  const own = tracing.setSpan(parent, span);
  const headers: Record<string, string> = {};
  propagation.inject(own, headers);
  const recording: Recording = {
    set: (more) => void span.setAttributes(more),
    // without an SDK nothing is injected
    headers: headers['traceparent'] === undefined ? trace : headers,
    within: (inner) => context.with(own, inner),
  };
  try {
    return await context.with(own, () => work(recording));
  } catch (error) {
    // no message: it may have parts of the arguments or of the result
    const { code, name: type = 'Error' } = (error ?? {}) as Partial<Error> & { readonly code?: unknown };
    span.setAttribute('error.type', typeof code === 'string' ? code : type);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

const load = () => import('@opentelemetry/api').catch(() => undefined);
let loading: ReturnType<typeof load> | undefined;

/** Returns the package, if the project has it. */
const loaded = (): ReturnType<typeof load> => (loading ??= load());
