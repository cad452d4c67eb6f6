import { describe, expect, it } from 'vitest';
import { newSiteId } from '../../protocol/base/ids.ts';
import { permissionsOf, type Scope } from '../../protocol/people/decide.ts';
import { groupByPermission, listTokenPermissions } from './token-permissions.ts';

const hangzhou: Scope = { site: newSiteId() };
const beijing: Scope = { site: newSiteId() };

describe('the permissions for a token', () => {
  it('are those that the person has, with each place once', () => {
    const held = permissionsOf([
      { role: 'viewer', scope: 'everything' },
      { role: 'author', scope: hangzhou },
      { role: 'editor', scope: beijing },
    ]);
    const found = new Map(listTokenPermissions(held).map(each => [each.permission, each.scopes]));
    expect(found.get('watch-internal')).toEqual(['everything']);
    expect(found.get('upload')).toEqual([hangzhou, beijing]);
    expect(found.get('publish')).toEqual([beijing]);
    expect(found.has('manage-site')).toBe(false);
  });
  it('of someone who may do everything are all of them, except those that do not exist yet', () => {
    const found = listTokenPermissions([{ permission: 'everything', scope: 'everything' }]);
    expect(found).toHaveLength(13);
    expect(found.every(each => each.scopes[0] === 'everything')).toBe(true);
    expect(found.some(each => each.permission === 'everything')).toBe(false);
  });
});

describe('the permissions of a token', () => {
  it('are shown once each', () => {
    expect(
      groupByPermission([
        { permission: 'upload', scope: hangzhou },
        { permission: 'everything', scope: beijing },
        { permission: 'upload', scope: beijing },
        { permission: 'upload', scope: hangzhou },
      ]),
    ).toEqual([
      { permission: 'upload', scopes: [hangzhou, beijing] },
      { permission: 'everything', scopes: [beijing] },
    ]);
  });
});
