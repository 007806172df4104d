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
