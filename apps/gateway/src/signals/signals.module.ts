import { Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { CONFIG, type GatewayConfig } from '../config';
import { SignalPoller } from './signal-poller';
import { SignalReceiver, Transmitters } from './signal-receiver';
import { SignalsController } from './signals.controller';
import { readTransmitters } from './transmitter-config';

@Module({
  controllers: [SignalsController],
  providers: [SignalReceiver, SignalPoller, { provide: Transmitters, inject: [CONFIG], useFactory: transmitters }],
})
export class SignalsModule {}

function transmitters({ files, publicUrl }: GatewayConfig): Transmitters {
  return new Transmitters(readTransmitters(files.signals, publicUrl), () => systemClock.now());
}
