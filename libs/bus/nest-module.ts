import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { connectBus, type Bus, type BusOptions } from './connect';

/** Inject the service's connection with `@Inject(BUS) bus: Bus`. */
export const BUS = Symbol('Bus');

export interface BusModuleOptions {
  inject?: FactoryProvider['inject'];
  useFactory: (...dependencies: never[]) => BusOptions | Promise<BusOptions>;
}

/** One connection per process, made while the application starts and drained as the last thing it does. */
@Global()
@Module({})
export class BusModule implements OnApplicationShutdown {
  constructor(@Inject(BUS) private readonly bus: Bus) {}

  static register(options: BusModuleOptions): DynamicModule {
    const provider: FactoryProvider = {
      provide: BUS,
      inject: options.inject ?? [],
      useFactory: async (...dependencies: never[]) => connectBus(await options.useFactory(...dependencies)),
    };
    return { module: BusModule, providers: [provider], exports: [BUS] };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.drain();
  }
}
