import { describe, expect, it } from 'vitest';
import { formatSignInAddress, parseContinue } from './sign-in-address.ts';

describe('the address of the sign-in page', () => {
  it('names where to continue, in the parameter of the part', () => {
    expect(formatSignInAddress('central', '/watch/1?t=4#x')).toBe(
      '/sign-in?continue=%2Fwatch%2F1%3Ft%3D4%23x',
    );
    expect(formatSignInAddress('site', '/library')).toBe('/sign-in?return=%2Flibrary');
  });
  it('does not continue at the first page or at itself', () => {
    expect(formatSignInAddress('central', '/')).toBe('/sign-in');
    expect(formatSignInAddress('central', '/sign-in?continue=%2Fadmin')).toBe('/sign-in');
  });
});

describe('where to continue', () => {
  it.each(['/admin', '/watch/0190?t=4#grant=x', '/sign-in/site?site=1&challenge=a&return=%2F'])(
    '%s',
    path => {
      expect(parseContinue(`?${new URLSearchParams({ continue: path })}`)).toBe(path);
    },
  );
  it.each([
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '/x\n',
    'https://evil.example/',
    'javascript:alert(1)',
    'admin',
    '',
    '/sign-in?continue=/admin',
    '/.//evil.example',
  ])('is the first page for %j', path => {
    expect(parseContinue(`?${new URLSearchParams({ continue: path })}`)).toBe('/');
  });
  it('is the first page without a parameter', () => {
    expect(parseContinue('')).toBe('/');
  });
});
