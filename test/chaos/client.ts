import { setTimeout as delay } from 'node:timers/promises';
import type { Asker, Question, Told } from '../support/asker';
import { difference } from '../support/difference';
import type { Random } from '../support/random';
import { isKept, type Record } from './record';

/** A request that nobody answers for so long is a finding. */
const GIVE_UP_MS = 120_000;
/** what is no answer: the service is not ready, too busy, or a proxy of it is */
const UNANSWERED = new Set([429, 502, 503, 504]);

export interface Answered {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever a stranger's client would find there
  readonly body: any;
}
export interface ClientOptions {
  readonly asker: Asker;
  /** role → API key; a text that is no role is a key itself */
  readonly keys: Readonly<{ [role: string]: string }>;
  readonly random: Random;
  readonly record: Record;
  /** begins every Idempotency-Key of this client */
  readonly name: string;
}

/**
 * A client as the contract asks for one: every request has a key, and is sent again with it until it is answered. Some
 * are sent twice at once, some are called off in flight and then sent again, some are asked again after their answer.
 */
export class ChaosClient {
  readonly random: Random;
  readonly record: Record;
  private count = 0;

  constructor(private readonly options: ClientOptions) {
    this.random = options.random;
    this.record = options.record;
  }

  /** A request that changes something. Told once, told for ever. */
  async post(role: string, path: string, body: unknown): Promise<Answered> {
    const key = `${this.options.name}-${(this.count += 1)}`;
    const question = { ...this.question(role, path, body), idempotencyKey: key };
    const from = performance.now();
    const told = await this.first(question);
    const { status, text } = told;
    this.record.answered({ role, path, body: question.body, key, status, text }, performance.now() - from);
    if (this.random.chance(0.08)) this.same(question, told, await this.again(question));
    return { status, body: JSON.parse(text) };
  }

  /** A question that changes nothing: only sent again until it is answered. */
  async look(role: string, path: string, body: unknown): Promise<Answered> {
    const { status, text } = await this.until(this.question(role, path, body));
    return { status, body: JSON.parse(text) };
  }

  private question(role: string, path: string, body: unknown): Omit<Question, 'timeoutMs'> & { body: string } {
    return { path, key: this.options.keys[role] ?? role, body: JSON.stringify(body) };
  }

  private async first(question: Omit<Question, 'timeoutMs'>): Promise<Told> {
    if (this.random.chance(0.05)) {
      const [one, other] = await Promise.all([this.until(question), this.again(question)]);
      this.same(question, one, other);
      return one;
    }
    if (this.random.chance(0.06)) await this.callOff(question);
    return this.until(question);
  }

  /** Sends it and goes away: whether it was carried out the client does not know. */
  private async callOff(question: Omit<Question, 'timeoutMs'>): Promise<void> {
    this.record.abandoned += 1;
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), this.random.between(0, 25));
    await this.options.asker.ask({ ...question, timeoutMs: 1_000, signal: leaving.signal }).catch(() => undefined);
    clearTimeout(timer);
  }

  private again(question: Omit<Question, 'timeoutMs'>): Promise<Told> {
    this.record.askedAgain += 1;
    return this.until(question);
  }

  private same({ path, idempotencyKey }: Omit<Question, 'timeoutMs'>, one: Told, other: Told): void {
    const found = isKept(one) || isKept(other) ? unlike(one, other) : undefined;
    if (found !== undefined)
      this.record.findings.push(`${path} with key ${idempotencyKey} was told two things: ${found}`);
  }

  /** @throws where nobody answers for too long */
  private async until(question: Omit<Question, 'timeoutMs'>): Promise<Told> {
    const end = Date.now() + GIVE_UP_MS;
    for (let last = ''; ;) {
      this.record.tries += 1;
      const timeoutMs = this.random.between(1_000, 6_000);
      const told = await this.options.asker.ask({ ...question, timeoutMs }).catch((error: unknown) => {
        last = (error as Error).message;
      });
      if (told && isAnswer(told)) {
        if (told.status >= 500) this.record.findings.push(`${question.path} was told ${told.status}: ${told.text}`);
        return told;
      }
      if (told) last = `${told.status} ${told.text}`;
      if (Date.now() > end) throw new Error(`${question.path} was not answered for ${GIVE_UP_MS} ms; last: ${last}`);
      await delay(this.random.between(50, 400));
    }
  }
}

/** How two answers differ; undefined where they say the same. */
export const unlike = (one: Told, other: Told): string | undefined =>
  difference(
    { status: one.status, body: JSON.parse(one.text) },
    { status: other.status, body: JSON.parse(other.text) },
  );

/** Of a batch each call must be answered: one that could not be decided is asked about again, under the same key. */
function isAnswer({ status, text }: Told): boolean {
  if (UNANSWERED.has(status)) return false;
  if (!text.startsWith('{"answers":')) return true;
  const { answers } = JSON.parse(text) as { answers: { error?: { status: number } }[] };
  return answers.every(({ error }) => error === undefined || !UNANSWERED.has(error.status));
}
