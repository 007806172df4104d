/** of the time that /readyz waits for a service, what its database may take */
const DATABASE_MS = 500;

/** The answer to a health question: a service that cannot reach its database can do nothing, and says so. */
export async function healthAnswer(
  database: { ping(timeoutMs: number): Promise<boolean> },
  value: () => object | Promise<object>,
): Promise<unknown> {
  if (await database.ping(DATABASE_MS)) return { ok: true, value: await value() };
  return { ok: false, refusal: { code: 'NOT_READY', detail: 'the database does not answer' } };
}

/** What is wrong with one log, for whoever watches the installation. */
export interface LogProblem {
  readonly log: string;
  /** `not-loaded`: nothing is answered of it; `unreadable-event`: set aside, with the tree that it names or in doubt for the log */
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
    detail: `the event at position ${position} cannot be read; ${treeId === undefined ? 'nothing but revocations is decided about the log' : `the tree ${treeId} is set aside`}`,
  }));
  return [...missing, ...events];
}
const MOST_PROBLEMS = 100;
