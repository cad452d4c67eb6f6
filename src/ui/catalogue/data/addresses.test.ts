import { describe, expect, it } from 'vitest';
import { addressesAt } from './addresses.ts';

const [central, site] = [addressesAt('central'), addressesAt('site')];
const pathOf = (address: string | undefined): string => new URL(address ?? '/none', 'http://x').pathname;

describe('the addresses of views', () => {
  it.each([
    ['central', central],
    ['a site', site],
  ])('at %s lead back to their views', (_part, addresses) => {
    const at = (address: string | undefined) => addresses.viewAt(pathOf(address));
    expect(at(addresses.front)).toEqual({ kind: 'front' });
    expect(at(addresses.searchFor({ q: 'a/b?c' }))).toEqual({ kind: 'search' });
    expect(at(addresses.person('A & B / C'))).toEqual({ kind: 'person' });
    expect(at(addresses.series('a/b ü'))).toEqual({ kind: 'series', id: 'a/b ü' });
    expect(addresses.viewAt('/elsewhere')).toEqual({ kind: 'lost' });
    expect(at(`${addresses.front}/series/%E0%A4%A`)).toEqual({ kind: 'lost' });
  });
  it('lead to the watch page of the part, at a moment', () => {
    expect(central.watch('v', 754_900)).toBe('/watch/v?t=754');
    expect(site.watch('v')).toBe('/library/watch/v');
    expect(central.viewAt('/watch/v')).toEqual({ kind: 'lost' });
    expect(site.viewAt('/library/watch/v')).toEqual({ kind: 'watch', id: 'v' });
  });
  it('of sites are at central only', () => {
    expect(central.viewAt(pathOf(central.site('s')))).toEqual({ kind: 'site', id: 's' });
    expect(site.site('s')).toBeUndefined();
    expect(site.viewAt('/library/sites/s')).toEqual({ kind: 'lost' });
  });
});
