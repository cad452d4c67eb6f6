import { describe, expect, it } from 'vitest';
import { newSiteId } from '../../protocol/base/ids.ts';
import { type Assignment, type Holder, permissionsOf } from '../../protocol/people/decide.ts';
import { isAssignable, isSameAssignment, listAssignable, mayChangeAccount } from './assignable.ts';

const hangzhou = newSiteId();
const beijing = newSiteId();
const holder = (...roles: readonly Assignment[]): Holder => ({ permissions: permissionsOf(roles) });

const operator = holder({ role: 'operator', scope: 'everything' });
const manager = holder({ role: 'site-manager', scope: { site: hangzhou } });
const ofSeries = holder({ role: 'site-manager', scope: { series: 'physics' } });
const auditor = holder({ role: 'auditor', scope: 'everything' });

describe('roles that a person may give', () => {
  it('are all, everywhere, for an operator', () => {
    const found = listAssignable(operator, [hangzhou, beijing]);
    expect(found.map(each => each.role)).toEqual([
      'viewer',
      'author',
      'editor',
      'site-manager',
      'auditor',
      'operator',
    ]);
    expect(found[0]).toEqual({
      role: 'viewer',
      scopes: ['everything', { site: hangzhou }, { site: beijing }],
      anySeries: true,
    });
  });
  it('end at the site of a site manager, and include neither auditor nor operator', () => {
    const found = listAssignable(manager, [hangzhou, beijing]);
    expect(found.map(each => each.role)).toEqual(['viewer', 'author', 'editor', 'site-manager']);
    expect(found.every(each => each.scopes.length === 1 && !each.anySeries)).toBe(true);
    expect(found[0]?.scopes).toEqual([{ site: hangzhou }]);
    expect(isAssignable(manager, { role: 'viewer', scope: { site: beijing } })).toBe(false);
    expect(isAssignable(manager, { role: 'viewer', scope: 'everything' })).toBe(false);
  });
  it('are for the series of someone who manages a series', () => {
    expect(listAssignable(ofSeries, [hangzhou])[0]).toEqual({
      role: 'viewer',
      scopes: [{ series: 'physics' }],
      anySeries: false,
    });
  });
  it('are none for someone who may not manage people', () => {
    expect(listAssignable(auditor, [hangzhou])).toEqual([]);
  });
});

it('two roles are the same if role and scope are', () => {
  const author: Assignment = { role: 'author', scope: { site: hangzhou } };
  expect(isSameAssignment(author, { role: 'author', scope: { site: hangzhou } })).toBe(true);
  expect(isSameAssignment(author, { role: 'author', scope: { site: beijing } })).toBe(false);
  expect(isSameAssignment(author, { role: 'editor', scope: { site: hangzhou } })).toBe(false);
});

describe('the account of another person', () => {
  const author: Assignment = { role: 'author', scope: { site: hangzhou } };
  it('can be changed if central says so', () => {
    expect(mayChangeAccount(manager, { roles: [author], mayChange: true })).toBe(true);
    expect(mayChangeAccount(operator, { roles: [author], mayChange: false })).toBe(false);
  });
  it('can otherwise be changed by someone who manages everyone and has the same roles', () => {
    expect(mayChangeAccount(operator, { roles: [author] })).toBe(true);
    expect(mayChangeAccount(manager, { roles: [author] })).toBe(false);
    const managesEveryone = holder({ role: 'site-manager', scope: 'everything' });
    expect(mayChangeAccount(managesEveryone, { roles: [{ role: 'auditor', scope: 'everything' }] })).toBe(
      false,
    );
  });
});
