import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { personNamesRequest, recordNamesRequest } from '@bailiwick/contracts/people/person-names';
import type { PeopleNames } from '@bailiwick/event-store/people';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { z } from 'zod';
import { PEOPLE } from '../connections/tokens';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

/** Stores the names of people for the gateways, which have no connection to the database. */
@Controller()
export class PeopleController {
  constructor(@Inject(PEOPLE) private readonly people: PeopleNames) {}

  @MessagePattern(adminSubject('person-names'))
  async names(
    @Payload(new ZodPipe(personNamesRequest)) { tenant, refs }: z.infer<typeof personNamesRequest>,
  ): Promise<Answer> {
    return { ok: true, value: { names: await this.people.of(tenant, refs) } };
  }

  @MessagePattern(adminSubject('record-names'))
  async record(
    @Payload(new ZodPipe(recordNamesRequest)) { tenant, people }: z.infer<typeof recordNamesRequest>,
  ): Promise<Answer> {
    await this.people.record(tenant, people);
    return { ok: true, value: {} };
  }
}
