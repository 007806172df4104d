import { agents } from './texts/agents';
import { approvals } from './texts/approvals';
import { budgets } from './texts/budgets';
import { general } from './texts/general';
import { incident } from './texts/incident';
import { keys } from './texts/keys';
import { live } from './texts/live';
import { log } from './texts/log';
import { marks } from './texts/marks';
import { mine } from './texts/mine';
import { plural } from './texts/plural';
import { policy } from './texts/policy';
import { receipt } from './texts/receipt';
import { replay } from './texts/replay';
import { run } from './texts/run';
import { servers } from './texts/servers';
import { session } from './texts/session';
import { settings } from './texts/settings';
import { shell } from './texts/shell';

/** Every English text of the console. Each page has a file in `texts/`; a translation replaces that folder. */
export const T = {
  ...general,
  ...shell,
  ...session,
  ...marks,
  plural,
  live,
  run,
  approvals,
  incident,
  mine,
  log,
  receipt,
  policy,
  keys,
  servers,
  budgets,
  agents,
  replay,
  settings,
} as const;
