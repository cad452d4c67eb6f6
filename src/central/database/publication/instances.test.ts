import { expect, it } from 'vitest';
import { admit, type Instance, listClones } from './instances.ts';

const MINUTE_MS = 60_000;

/** Makes one handshake a second for each letter. @returns the letters that were refused, and the state */
function run(handshakes: string): { refused: string; instances: readonly Instance[]; nowMs: number } {
  let instances: readonly Instance[] = [];
  let refused = '';
  let nowMs = 0;
  for (const id of handshakes) {
    nowMs += 1_000;
    const admission = admit(instances, { id, address: `address of ${id}` }, nowMs);
    instances = admission.instances;
    if (admission.refusedFor) refused += id;
  }
  return { refused, instances, nowMs };
}

it.each([
  ['one process', 'aaaa', ''],
  ['restarts', 'aabbccddeeffgghhiijj', ''],
  ['a delayed request of the process before a restart', 'aabab', ''],
  ['a clone: the later process is refused', 'ababababab', 'bbb'],
  ['two clones', 'abcabcabcabc', 'bcbc'],
  ['a clone that starts again: it is accepted until the first process returns', 'abababcacabcbc', 'bcbcbc'],
  ['a restart of the site that was cloned', 'ababa' + 'bdbdb', 'bbb'],
])('%s', (_what, handshakes, refused) => {
  expect(run(handshakes).refused).toBe(refused);
});

it('names the clone while it runs', () => {
  const { instances, nowMs } = run('ababab');
  expect(listClones(instances, nowMs)).toMatchObject([{ id: 'b', address: 'address of b' }]);
  expect(listClones(instances, nowMs + 10 * MINUTE_MS)).toEqual([]);
});
