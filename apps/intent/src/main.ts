import { runBusService } from '@bailiwick/platform/bus-service';
import { SERVICE } from './service';

runBusService(SERVICE);
