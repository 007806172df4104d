import { readdirSync, readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** What comes after decisions, and must still keep up with them where there are more than the machine can take. */
const FOLLOWING = 5;

/**
 * Lets every other thread of the machine go before this one, so that it takes only what nobody else wants.
 * @param priority of `os.constants.priority`
 * @returns whether that could be had: Linux alone gives threads priorities of their own
 */
export function lowerThisThread(priority: number = constants.priority.PRIORITY_LOW): boolean {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), priority);
    return true;
  } catch {
    return false;
  }
}

/** Lets decisions go before this process, which follows them. Threads that begin later are as their parents. */
export function followDecisions(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), FOLLOWING);
  } catch {
    // without threads of their own priority, the process has one
    setPriority(FOLLOWING);
  }
}
