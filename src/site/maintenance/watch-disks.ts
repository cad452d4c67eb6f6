/** Says in the log which disk went away, and which is back. */

import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { Disks } from '../media/storage/storage.ts';

const LOOK_EVERY_MS = 5_000;

export function watchDisks({ all, present }: Disks, log: Log, onBack: () => void): Repeating {
  let known: readonly string[] = all;
  return repeat(async () => {
    const here = present();
    for (const disk of known) {
      if (!here.includes(disk)) {
        log.error({ disk }, 'a disk is not there: what is on it cannot be played until it is back');
      }
    }
    const back = here.filter(disk => !known.includes(disk));
    for (const disk of back) log.info({ disk }, 'a disk is back');
    known = here;
    if (back.length > 0) onBack();
    return LOOK_EVERY_MS;
  });
}
