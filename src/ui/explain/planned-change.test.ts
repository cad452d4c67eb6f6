import { expect, it } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import { CHANGE_KINDS, type ChangeKind, hasValue, parsePlannedChange } from './planned-change.ts';

const site = 's' as SiteId;
const parse = (kind: ChangeKind, value = '') => parsePlannedChange({ kind, site, value });

it('makes a planned change of each kind', () => {
  expect(parse('drain')).toEqual({ sites: [{ site, drained: true }] });
  expect(parse('down')).toEqual({ sites: [{ site, down: true }] });
  expect(parse('weight', '0.5')).toEqual({ sites: [{ site, weight: 0.5 }] });
  expect(parse('zone', '10.0.0.0/8，2001:db8::/32')).toEqual({
    zones: [
      { site, prefix: '10.0.0.0/8' },
      { site, prefix: '2001:db8::/32' },
    ],
  });
});
it('only a zone and a weight have a value', () => {
  expect(CHANGE_KINDS.filter(hasValue)).toEqual(['zone', 'weight']);
});
