import { describe, expect, it } from 'vitest';
import { MAP_HEIGHT, MAP_WIDTH, projectSites } from './map-projection.ts';

const hangzhou = { latitude: 30.3, longitude: 120.2 };
const guangzhou = { latitude: 23.1, longitude: 113.3 };
const beijing = { latitude: 39.9, longitude: 116.4 };

describe('the map of the sites', () => {
  const { project, meridians, parallels } = projectSites([hangzhou, guangzhou, beijing]);
  it('shows every site inside its frame', () => {
    for (const { x, y } of [hangzhou, guangzhou, beijing].map(project)) {
      expect(x > 0 && x < MAP_WIDTH && y > 0 && y < MAP_HEIGHT).toBe(true);
    }
  });
  it('has north at the top and east on the right', () => {
    expect(project(beijing).y).toBeLessThan(project(hangzhou).y);
    expect(project(guangzhou).x).toBeLessThan(project(hangzhou).x);
  });
  it('has a grid of whole degrees', () => {
    expect(meridians.length).toBeGreaterThan(1);
    expect(parallels.length).toBeGreaterThan(1);
    expect([...meridians, ...parallels].every(Number.isInteger)).toBe(true);
  });
  it('shows a single site in the middle', () => {
    expect(projectSites([hangzhou]).project(hangzhou)).toEqual({ x: MAP_WIDTH / 2, y: MAP_HEIGHT / 2 });
  });
});
