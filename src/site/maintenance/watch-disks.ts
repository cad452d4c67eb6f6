/** Logs which disk became unavailable, and which is available again. */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { Disks } from '../media/storage/storage.ts';

const INTERVAL_MS = 5_000;

export function watchDisks({ all, present }: Disks, log: Log, onBack: () => void): Repeating {
  let known: readonly string[] = all;
  return repeat(async () => {
    const here = present();
    for (const disk of known) {
      if (!here.includes(disk))
        log.error({ disk }, 'a disk is unavailable: its videos cannot be played from here');
    }
    const back = here.filter(disk => !known.includes(disk));
    for (const disk of back) log.info({ disk }, 'a disk is available again');
    known = here;
    if (back.length > 0) onBack();
    return INTERVAL_MS;
  });
}
