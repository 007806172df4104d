import { Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { CONFIG, type GatewayConfig } from '../config';
import { SignalPoller } from './signal-poller';
import { SignalReceiver, Transmitters } from './signal-receiver';
import { SignalsController } from './signals.controller';
import { SsfController } from './ssf.controller';
import { SsfStreams } from './ssf-streams';
import { SsfTokens } from './ssf-tokens';
import { StreamItems } from './stream-items';
import { readTransmitters } from './transmitter-config';

@Module({
  controllers: [SignalsController, SsfController],
  providers: [
    SignalReceiver,
    SignalPoller,
    SsfStreams,
    SsfTokens,
    StreamItems,
    { provide: Transmitters, inject: [CONFIG], useFactory: transmitters },
  ],
})
export class SignalsModule {}

function transmitters({ files, publicUrl }: GatewayConfig): Transmitters {
  return new Transmitters(readTransmitters(files.signals, publicUrl), () => systemClock.now());
}
