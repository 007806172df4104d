import type { KeyObject } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import {
  ACTION_RECEIPT,
  receiptPeriod,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type Period,
  type PredicateType,
} from '@bailiwick/contracts/receipts/receipt';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import type { PeopleNames } from '@bailiwick/event-store/people';
import { LOG_KEY, PEOPLE, WARN, type Warn } from '../connections/tokens';
import { Sources } from '../connections/sources';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing, refuse } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { minPosition } from '../search/queries';
import { custodyFor } from './custodies';
import { problemOf } from './periods';
import { partOf, receiptOf } from './receipts';

const shared = {
  tenant: tenantName,
  minPosition,
  /** the index of one part of the receipt, with the size of the tree that the receipt was made for */
  part: z.number().int().min(0).optional(),
  size: z.number().int().min(1).optional(),
  /** the reader may see the names of people */
  names: z.literal(true).optional(),
};
const receiptQuery = z.union([
  z.strictObject({ ...shared, runId: idOf('run'), period: receiptPeriod.optional() }),
  z.strictObject({ ...shared, treeId: idOf('tree') }),
  z.strictObject({ ...shared, actionId: idOf('action') }),
]);
type ReceiptQuery = z.infer<typeof receiptQuery>;
type Subject =
  | { readonly runId: string; readonly period?: Period | undefined }
  | { readonly treeId: string }
  | { readonly actionId: string };

const custodyQuery = z.strictObject({ tenant: tenantName, actionId: idOf('action'), minPosition });
type CustodyQuery = z.infer<typeof custodyQuery>;

@Controller()
export class ReceiptsController {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
    @Inject(LOG_KEY) private readonly key: KeyObject,
    @Inject(PEOPLE) private readonly people: Pick<PeopleNames, 'of'>,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  @MessagePattern(ledgerSubject('receipt'))
  async receipt(@Payload(new ZodPipe(receiptQuery)) query: ReceiptQuery): Promise<Answer> {
    const { tenant, minPosition: atLeast, part, size, names, ...subject } = query;
    const [id, type, period] = subjectOf(subject);
    const ledger = await this.ledgers.find(tenant, id, atLeast);
    if (!ledger) return this.ledgers.missing(tenant, id);
    const problem = period && (await problemOf(ledger, this.sources, id, period));
    if (problem !== undefined) return refuse('BAD_REQUEST', problem);
    if (part === undefined || size === undefined) {
      if (part !== size) return refuse('BAD_REQUEST', 'one of part and size is missing; give both, or none');
      const namesOf = names && ((refs: readonly string[]) => this.namesOf(tenant, refs));
      const envelope = await receiptOf(ledger, this.sources, this.key, { id, type, period, namesOf });
      return envelope ? found(envelope) : this.ledgers.missing(tenant, id);
    }
    const envelope = await partOf(ledger, this.sources, this.key, { id, type, period, part, size });
    return envelope ? found(envelope) : missing(`part ${part} of a receipt of ${id} in a tree of ${size}`);
  }

  /** A receipt is made without names if they cannot be read: it then shows refs. */
  private async namesOf(tenant: string, refs: readonly string[]): Promise<PersonNames> {
    try {
      return await this.people.of(tenant, refs);
    } catch (error) {
      this.warn('the names of people could not be read', error);
      return {};
    }
  }

  @MessagePattern(ledgerSubject('custody'))
  async custody(@Payload(new ZodPipe(custodyQuery)) query: CustodyQuery): Promise<Answer> {
    const { tenant, actionId, minPosition: atLeast } = query;
    const ledger = await this.ledgers.find(tenant, actionId, atLeast);
    const chain = ledger && (await custodyFor(ledger, this.sources, actionId));
    return chain ? found(chain) : this.ledgers.missing(tenant, actionId);
  }
}

function subjectOf(subject: Subject): [id: string, type: PredicateType, period?: Period] {
  if ('runId' in subject) return [subject.runId, RUN_RECEIPT, subject.period];
  if ('treeId' in subject) return [subject.treeId, TREE_RECEIPT];
  return [subject.actionId, ACTION_RECEIPT];
}
