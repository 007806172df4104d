/** time for the database to respond, out of the time that /readyz waits for a service */
const DATABASE_MS = 500;

/** Answers a health check: a service whose database does not respond reports that it is not ready. */
export async function healthAnswer(
  database: { ping(timeoutMs: number): Promise<boolean> },
  value: () => object | Promise<object>,
): Promise<unknown> {
  if (await database.ping(DATABASE_MS)) return { ok: true, value: await value() };
  return { ok: false, refusal: { code: 'NOT_READY', detail: 'the database does not respond' } };
}

/** A problem of one log, reported to operators. */
export interface LogProblem {
  readonly log: string;
  /**
   * `not-loaded`: no request about it is answered; `unreadable-event`: the tree that it names is set aside, or the log
   * is in doubt
   */
  readonly kind: 'not-loaded' | 'unreadable-event';
  readonly detail: string;
}

export function problemsOf(
  log: string,
  state: { readonly unreadable: ReadonlyMap<number, { readonly treeId: string | undefined }> } | undefined,
  notLoaded: unknown,
): LogProblem[] {
  const missing: LogProblem[] =
    notLoaded === undefined
      ? []
      : [{ log, kind: 'not-loaded', detail: notLoaded instanceof Error ? notLoaded.message : 'it cannot be loaded' }];
  const events = [...(state?.unreadable ?? [])].slice(0, MOST_PROBLEMS).map(([position, { treeId }]): LogProblem => ({
    log,
    kind: 'unreadable-event',
    detail: `the event at position ${position} cannot be read; ${treeId === undefined ? 'only commands that take authority away are accepted for the log' : `the tree ${treeId} is set aside`}`,
  }));
  return [...missing, ...events];
}
const MOST_PROBLEMS = 100;
