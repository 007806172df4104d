import { Module } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/commit-notifications';
import { BUS } from '../config';
import { SearchModule } from '../search/search.module';
import { CommitNotifier } from './commit-notifier';
import { EventStreams } from './event-streams';
import { EventsController } from './events.controller';

@Module({
  imports: [SearchModule],
  controllers: [EventsController],
  providers: [
    EventStreams,
    { provide: CommitNotifier, inject: [BUS], useFactory: (bus: Bus) => new CommitNotifier(subjectSource(bus)) },
  ],
})
export class EventsModule {}
