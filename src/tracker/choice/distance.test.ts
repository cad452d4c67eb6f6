import { expect, test } from 'vitest';
import { distanceKm } from './distance.ts';

const hangzhou = { latitude: 30.27, longitude: 120.15 };
const guangzhou = { latitude: 23.13, longitude: 113.26 };
const beijing = { latitude: 39.9, longitude: 116.4 };

test.each([
  ['Hangzhou to Guangzhou', hangzhou, guangzhou, 1_045],
  ['Hangzhou to Beijing', hangzhou, beijing, 1_124],
  ['nowhere', beijing, beijing, 0],
  ['pole to pole', { latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 }, 20_015],
  ['across the date accessLink', { latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 }, 111],
  ['antipodes', { latitude: 12, longitude: 34 }, { latitude: -12, longitude: -146 }, 20_015],
])('%s', (_, from, to, km) => {
  expect(Math.abs(distanceKm(from, to) - km)).toBeLessThan(5);
  expect(distanceKm(to, from)).toBeCloseTo(distanceKm(from, to), 6);
});
