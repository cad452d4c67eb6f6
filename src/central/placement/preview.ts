/** What a change of the copy rules would delete: the copies that are planned now and not afterwards. Pure. */
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { PlacementRule, RulesPreview } from '../../protocol/copies.ts';
import { type PlanInput, plan } from './plan.ts';

export function previewChange(
  input: PlanInput,
  rules: readonly PlacementRule[],
): Omit<RulesPreview, 'undoS'> {
  const keyOf = (site: string, video: string): string => `${site} ${video}`;
  const after = new Set(plan({ ...input, rules }).copies.map(({ site, video }) => keyOf(site, video)));
  const sizes = new Map(input.videos.map(({ id, sizeBytes }) => [id, sizeBytes]));
  const stored = new Map(input.copies.map(copy => [keyOf(copy.site, copy.video), copy]));
  const sites = new Map<SiteId, { copies: number; bytes: number }>();
  const fewer = new Map<VideoId, number>();
  const { copies: before, holders } = plan(input);
  for (const { site, video } of before) {
    const key = keyOf(site, video);
    if (after.has(key)) continue;
    const copy = stored.get(key);
    const sum = sites.get(site) ?? { copies: 0, bytes: 0 };
    sites.set(site, {
      copies: sum.copies + 1,
      bytes: sum.bytes + (copy?.sizeBytes ?? sizes.get(video) ?? 0),
    });
    if (copy) fewer.set(video, (fewer.get(video) ?? 0) + 1);
  }
  const isNewlyAtRisk = ([video, count]: readonly [VideoId, number]): boolean => {
    const now = holders.get(video) ?? 0;
    return now >= 2 && now - count < 2;
  };
  const names = new Map(input.sites.map(({ id, name }) => [id, name]));
  const all = [...sites].map(([id, sum]) => ({ id, name: names.get(id) ?? id, ...sum }));
  return {
    copies: all.reduce((sum, { copies }) => sum + copies, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    sites: all,
    newlyAtRisk: [...fewer].filter(isNewlyAtRisk).length,
  };
}
