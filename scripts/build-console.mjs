// Part of `npm run build`: builds the web console into apps/console/dist, if its sources have changed.
import { buildConsole } from './setup.mjs';

buildConsole();
