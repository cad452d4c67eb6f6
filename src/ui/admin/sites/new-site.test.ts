import { describe, expect, it } from 'vitest';
import { TEXTS } from '../../i18n/texts.ts';
import { parseNewSite, parseZone } from './new-site.ts';

const { admin } = TEXTS.en;
const fields = { name: ' X ', baseUrl: ' http://x ', latitude: '', longitude: '', zone: '' };

describe('a new site', () => {
  it('has a trimmed name and address, and a zone', () => {
    expect(parseNewSite({ ...fields, zone: '10.0.0.0/8\n2001:db8::/32' }, admin)).toEqual({
      name: 'X',
      baseUrl: 'http://x',
      zone: ['10.0.0.0/8', '2001:db8::/32'],
    });
  });
  it('has both coordinates or none', () => {
    const { coordinates } = parseNewSite({ ...fields, latitude: '30.2', longitude: '-120' }, admin);
    expect(coordinates).toEqual({ latitude: 30.2, longitude: -120 });
    expect(() => parseNewSite({ ...fields, latitude: '1' }, admin)).toThrow(admin.bothCoordinates);
    expect(() => parseNewSite({ ...fields, longitude: '1', latitude: ' ' }, admin)).toThrow(
      admin.bothCoordinates,
    );
  });
  it.each(['10.0.0.0', 'x', '10.0.0.0/', 'fe80::1', '10.0.0/8'])('refuses the prefix %s', prefix => {
    expect(() => parseZone(`10.1.0.0/16 ${prefix}`, admin)).toThrow(admin.badPrefix(prefix));
  });
});
